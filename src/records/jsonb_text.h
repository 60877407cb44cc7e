#pragma once

#include <cstddef>
#include <string_view>

namespace strata::internal {

// The bytes with which PostgreSQL writes JSON that was stored as jsonb. `json` has no white space,
// no key twice in one object, and numbers as std::to_chars writes them.
std::size_t jsonbTextSize(std::string_view json);

// More than by how many times that can be longer than `json`: 5e-324, of six bytes, is written with
// 326.
inline constexpr std::size_t kMostJsonbGrowth = 64;

}  // namespace strata::internal
