#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::internal {

// Of UTF-8 text.
std::size_t codePoints(std::string_view text);
// The first `count` code points.
std::string_view prefix(std::string_view text, std::size_t count);

// Appends what a user wrote with line breaks and other control bytes as spaces, so that it can pass
// for no other line.
void appendOnOneLine(std::string& text, std::string_view users);

}  // namespace strata::internal
