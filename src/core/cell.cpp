#include "strata/core/cell.h"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>

namespace strata {
namespace {

void appendBigEndian(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(number >> shift));
  }
}

std::uint64_t takeBigEndian(std::string_view& bytes, std::size_t count) {
  std::uint64_t number = 0;
  for (char c : bytes.substr(0, count)) number = (number << 8) | static_cast<unsigned char>(c);
  bytes.remove_prefix(count);
  return number;
}

std::uint64_t random64() {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) {
    // Without it two processes could take each other's leases; there is no safe way on.
    throw std::runtime_error("strata: the system gives no random numbers");
  }
  return number;
}

// A forked child must not go on with its parent's nonces, so it draws a number of its own.
class ProcessNumber {
 public:
  ProcessNumber() : number_(random64()) {
    pthread_atfork(nullptr, nullptr, [] { instance().number_ = random64(); });
  }
  static ProcessNumber& instance() {
    static ProcessNumber number;
    return number;
  }
  std::uint64_t get() const { return number_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> number_;
};

bool isKnown(char tag) {
  return tag == static_cast<char>(CellTag::kValue) || tag == static_cast<char>(CellTag::kAbsent) ||
         tag == static_cast<char>(CellTag::kLease);
}

}  // namespace

Nonce makeNonce() {
  static std::atomic<std::uint64_t> counter{0};
  std::string bytes;
  bytes.reserve(sizeof(Nonce));
  appendBigEndian(bytes, ProcessNumber::instance().get(), 8);
  appendBigEndian(bytes, counter.fetch_add(1, std::memory_order_relaxed), 8);
  Nonce nonce;
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

std::string Cell::encode() const {
  std::string bytes;
  bytes.reserve(kHeaderBytes + payload.size());
  bytes.push_back(static_cast<char>(tag));
  bytes.append(nonce.data(), nonce.size());
  appendBigEndian(bytes, key_hash, 8);
  appendBigEndian(bytes, incarnation.value, 8);
  appendBigEndian(bytes, static_cast<std::uint64_t>(version.value()), 8);
  appendBigEndian(bytes, codec, 2);
  appendBigEndian(bytes, fingerprint, 8);
  bytes.append(payload);
  return bytes;
}

std::optional<Cell> Cell::parse(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !isKnown(bytes.front())) return std::nullopt;
  Cell cell;
  cell.tag = static_cast<CellTag>(bytes.front());
  bytes.remove_prefix(1);
  std::copy_n(bytes.begin(), cell.nonce.size(), cell.nonce.begin());
  bytes.remove_prefix(cell.nonce.size());
  cell.key_hash = takeBigEndian(bytes, 8);
  cell.incarnation.value = takeBigEndian(bytes, 8);
  cell.version = Version(static_cast<std::int64_t>(takeBigEndian(bytes, 8)));
  cell.codec = static_cast<std::uint16_t>(takeBigEndian(bytes, 2));
  cell.fingerprint = takeBigEndian(bytes, 8);
  cell.payload = bytes;
  return cell;
}

}  // namespace strata
