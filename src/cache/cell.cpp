#include "src/cache/cell.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace strata::internal {
namespace {

// Numbers are big-endian in a cell, on every machine.
std::uint64_t toBigEndian(std::uint64_t number) {
  return std::endian::native == std::endian::big ? number : __builtin_bswap64(number);
}

// Writes the lowest `count` bytes of a number and returns where they end.
char* put(char* at, std::uint64_t number, std::size_t count) {
  const std::uint64_t bytes = toBigEndian(number << (8 * (8 - count)));
  std::memcpy(at, &bytes, count);
  return at + count;
}

std::uint64_t take(std::string_view& bytes, std::size_t count) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), count);
  bytes.remove_prefix(count);
  return toBigEndian(number) >> (8 * (8 - count));
}

bool isKnown(char tag) {
  return tag == static_cast<char>(CellTag::kValue) || tag == static_cast<char>(CellTag::kAbsent) ||
         tag == static_cast<char>(CellTag::kLease);
}

}  // namespace

std::string Cell::encode() const {
  std::string bytes;
  bytes.reserve(kHeaderBytes + payload.size());
  appendTo(bytes);
  return bytes;
}

void Cell::appendTo(std::string& bytes) const {
  std::array<char, kHeaderBytes> header;
  char* at = put(header.data(), static_cast<unsigned char>(tag), 1);
  at = std::copy(nonce.begin(), nonce.end(), at);
  at = put(at, key_hash, 8);
  at = put(at, incarnation.value, 8);
  at = put(at, epoch, 8);
  at = put(at, static_cast<std::uint64_t>(version.value()), 8);
  at = put(at, codec, 2);
  put(at, fingerprint, 8);
  bytes.append(header.data(), header.size()).append(payload);
}

std::optional<Cell> Cell::parse(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !isKnown(bytes.front())) return std::nullopt;
  Cell cell;
  cell.tag = static_cast<CellTag>(bytes.front());
  bytes.remove_prefix(1);
  std::copy_n(bytes.begin(), cell.nonce.size(), cell.nonce.begin());
  bytes.remove_prefix(cell.nonce.size());
  cell.key_hash = take(bytes, 8);
  cell.incarnation.value = take(bytes, 8);
  cell.epoch = take(bytes, 8);
  cell.version = Version(static_cast<std::int64_t>(take(bytes, 8)));
  cell.codec = static_cast<std::uint16_t>(take(bytes, 2));
  cell.fingerprint = take(bytes, 8);
  cell.payload = bytes;
  return cell;
}

}  // namespace strata::internal
