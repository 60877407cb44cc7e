#include "src/base/health_check.h"

#include <utility>

#include "strata/base/status.h"

namespace strata::internal {

Health healthByCheck(std::string component, std::string backend, const Clock& clock,
                     absl::FunctionRef<absl::Status()> check) {
  const MonotonicTime started = clock.now();
  const absl::Status answered = check();
  Health health{.component = std::move(component), .backend = std::move(backend)};
  health.latency = clock.now() - started;
  if (answered.ok()) return health;
  health.state = HealthState::kFail;
  health.error = describe(answered);
  return health;
}

}  // namespace strata::internal
