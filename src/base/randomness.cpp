#include "src/base/randomness.h"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <stdexcept>

#include "src/base/fork.h"
#include "src/base/mutants.h"

namespace strata {
namespace {

// Up to 256 bytes, which the system gives in one piece.
void takeFromSystem(void* bytes, std::size_t size) {
  ssize_t got = 0;
  do {
    got = getrandom(bytes, size, 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(size)) {
    // Without it two processes could take each other's leases; there is no safe way on.
    throw std::runtime_error("strata: the system gives no random numbers");
  }
}

std::uint64_t systemRandom() {
  std::uint64_t number = 0;
  takeFromSystem(&number, sizeof number);
  return number;
}

// Random bytes of one thread. What was given out is wiped, so it cannot be read from here later.
class RandomBatch {
 public:
  void take(char* bytes, std::size_t size) {
    if (process_.isInherited()) refill();
    while (size > 0) {
      if (left_ == 0) refill();
      const std::size_t part = std::min(size, left_);
      char* const from = bytes_.data() + (bytes_.size() - left_);
      std::memcpy(bytes, from, part);
      explicit_bzero(from, part);
      left_ -= part;
      bytes += part;
      size -= part;
    }
  }

 private:
  void refill() {
    takeFromSystem(bytes_.data(), bytes_.size());
    process_ = internal::ProcessMark();
    left_ = bytes_.size();
  }

  std::array<char, 256> bytes_{};
  std::size_t left_ = 0;
  internal::ProcessMark process_;
};

// What makes a nonce unique: a random number for the process and a counter in it. A forked child
// must not go on with its parent's, so it draws a number of its own.
class Nonces {
 public:
  Nonces() : process_(systemRandom()) {
    pthread_atfork(nullptr, nullptr, [] { instance().process_ = systemRandom(); });
  }
  static Nonces& instance() {
    static Nonces nonces;
    return nonces;
  }
  void begin(std::uint64_t process) {
    process_ = process;
    counter_ = 0;
  }
  Nonce next() {
    const std::uint64_t process = process_.load(std::memory_order_relaxed);
    const std::uint64_t count = internal::isAlive(internal::Mutant::kTokenPerProcess)
                                    ? 0
                                    : counter_.fetch_add(1, std::memory_order_relaxed);
    Nonce nonce;
    std::memcpy(nonce.data(), &process, sizeof process);
    std::memcpy(nonce.data() + sizeof process, &count, sizeof count);
    return nonce;
  }
  bool made(const Nonce& nonce) const {
    const std::uint64_t process = process_.load(std::memory_order_relaxed);
    return std::memcmp(nonce.data(), &process, sizeof process) == 0;
  }

 private:
  std::atomic<std::uint64_t> process_;
  std::atomic<std::uint64_t> counter_{0};
};

std::mt19937_64* fixed_source = nullptr;

}  // namespace

Nonce makeNonce() { return Nonces::instance().next(); }

namespace internal {

std::uint64_t randomSeed() { return fixed_source == nullptr ? systemRandom() : (*fixed_source)(); }

std::uint64_t processSeed() { return fixed_source == nullptr ? systemRandom() : 0; }

void fillRandom(void* bytes, std::size_t size) {
  auto* const to = static_cast<char*>(bytes);
  if (fixed_source == nullptr) {
    thread_local RandomBatch batch;
    batch.take(to, size);
    return;
  }
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<char>((*fixed_source)());
}

bool isOwn(const Nonce& nonce) { return Nonces::instance().made(nonce); }

void fixRandomness(std::uint64_t seed) {
  static std::mt19937_64 source;
  source.seed(seed);
  fixed_source = &source;
  Nonces::instance().begin(source());
}

}  // namespace internal
}  // namespace strata
