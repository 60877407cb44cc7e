#include "src/base/sha256.h"

#include <openssl/evp.h>

#include <array>

namespace strata::internal {

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

}  // namespace strata::internal
