#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace strata::internal {

// What an answer of another HTTP status than 200 means. `error_text` is the text of the error in its
// body, if any (see redis_dialect/errors.h); `retry_after` is zero when the server does not say.
absl::Status upstashHttpStatus(unsigned status, std::string_view error_text,
                               absl::Duration retry_after);

// Whether a request, or a value in it, was refused because of its size.
bool isTooLarge(const absl::Status& status);

}  // namespace strata::internal
