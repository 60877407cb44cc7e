// Small helpers over absl::Status.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace strata {

// `status` with `context: ` before its message; ok stays ok, payloads are kept.
absl::Status annotate(const absl::Status& status, std::string_view context);

// Whether a write that failed so may have happened all the same. Only errors that are raised before
// anything is sent say that it has not.
bool mayHaveHappened(const absl::Status& write_status);

// "UNAVAILABLE: connection refused", for logs and health.
std::string describe(const absl::Status& status);

}  // namespace strata
