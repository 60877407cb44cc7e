#pragma once

#include <string>
#include <string_view>

namespace strata::internal {

// SHA-256 (FIPS 180-4) in 64 lower-case hex digits. For names that are too long for a key; not for
// secrets, and not fast. strata::core has one of its own so that it needs no cryptography library
// (docs/decisions/0023-sha256-of-our-own.md).
std::string sha256Hex(std::string_view bytes);

}  // namespace strata::internal
