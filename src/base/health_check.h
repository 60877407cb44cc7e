#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "strata/base/health.h"

namespace strata::internal {

// The health of a component that passes while `check` succeeds, and how long that took.
Health healthByCheck(std::string component, std::string backend, const Clock& clock,
                     absl::FunctionRef<absl::Status()> check);

}  // namespace strata::internal
