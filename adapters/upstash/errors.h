#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace strata::internal {

// The status of {"error": text}, from the one table of them in upstash_errors.cpp. Holds the first
// word of the text at most: the rest may quote arguments.
absl::Status upstashErrorStatus(std::string_view text);

// What an answer of another HTTP status than 200 means. `error_text` is that of its body, if any;
// `retry_after` is zero when the server does not say.
absl::Status upstashHttpStatus(unsigned status, std::string_view error_text,
                               absl::Duration retry_after);

}  // namespace strata::internal
