#pragma once

#include <string_view>

namespace strata::internal {

// Whether a key was too long and so ends in a hash of what stood there: its id cannot be told.
bool isShortenedKey(std::string_view key);
// The part of such a key that is as it was.
std::string_view unshortenedPart(std::string_view key);

}  // namespace strata::internal
