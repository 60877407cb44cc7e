#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "strata/base/timestamp.h"

namespace strata::internal {

// `text` in lower case, the one form in which ids are stored and compared; InvalidArgument, naming
// `what`, when it is no UUID of the form 8-4-4-4-12.
absl::StatusOr<std::string> canonicalUuid(std::string_view text, std::string_view what);

// A new one of version 7 (RFC 9562), whose first 48 bits are `now` in milliseconds, so that rows
// made one after the other stand together in an index. The other 74 bits come from the system's
// source of random numbers: an id that a stranger has not seen cannot be guessed.
std::string newUuid(Timestamp now);

}  // namespace strata::internal
