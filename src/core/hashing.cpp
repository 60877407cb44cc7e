#include "src/core/hashing.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>

#include "strata/core/cell.h"

namespace strata {

std::uint64_t stableHash(std::string_view bytes) {
  // http://www.isthe.com/chongo/tech/comp/fnv/ (FNV-1a, 64 bits)
  std::uint64_t hash = 0xCBF29CE484222325;
  for (char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3;
  }
  // The high bits of FNV hardly depend on the last bytes; MurmurHash3's finaliser (fmix64, by
  // Austin Appleby, public domain) spreads them.
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
  return hash ^ (hash >> 33);
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
