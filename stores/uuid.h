#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace strata {

// `text` in lower case, the one form in which ids are stored and compared; InvalidArgument, naming
// `what`, when it is no UUID of the form 8-4-4-4-12.
absl::StatusOr<std::string> canonicalUuid(std::string_view text, std::string_view what);

}  // namespace strata
