#include "strata/base/hash.h"

#include <bit>
#include <cstring>

namespace strata {

namespace {

// The same number on every machine, whichever way it stores numbers.
std::uint64_t littleEndian(std::string_view bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  if constexpr (std::endian::native == std::endian::big) number = __builtin_bswap64(number);
  return number;
}

}  // namespace

// MurmurHash64A, by Austin Appleby, public domain (github.com/aappleby/smhasher).
std::uint64_t stableHash(std::string_view bytes) {
  constexpr std::uint64_t kMultiplier = 0xC6A4A7935BD1E995;
  constexpr int kShift = 47;
  std::uint64_t hash = bytes.size() * kMultiplier;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word = littleEndian(bytes.substr(0, 8)) * kMultiplier;
    word = (word ^ (word >> kShift)) * kMultiplier;
    hash = (hash ^ word) * kMultiplier;
  }
  if (!bytes.empty()) hash = (hash ^ littleEndian(bytes)) * kMultiplier;
  hash = (hash ^ (hash >> kShift)) * kMultiplier;
  return hash ^ (hash >> kShift);
}

}  // namespace strata
