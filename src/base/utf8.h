#pragma once

#include <string_view>

namespace strata::internal {

// Whether `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, no code point
// above U+10FFFF), which is what PostgreSQL's text accepts.
bool isUtf8(std::string_view text);

}  // namespace strata::internal
