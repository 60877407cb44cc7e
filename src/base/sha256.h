#pragma once

#include <string>
#include <string_view>

namespace strata::internal {

// SHA-256 in 64 lower-case hex digits.
std::string sha256Hex(std::string_view bytes);

}  // namespace strata::internal
