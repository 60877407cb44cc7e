#include "src/core/hashing.h"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "strata/core/cell.h"

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

namespace internal {

std::string sha256Hex(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  // Cannot fail: SHA-256 is always there and needs no memory of ours.
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (unsigned char byte : digest) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 0xF]);
  }
  return hex;
}

}  // namespace internal
}  // namespace strata
