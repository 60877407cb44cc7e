// The status page: what probes know, as HTML for a person. It does not ask; it is given all of it.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "strata/base/failure_tier.h"
#include "strata/base/health.h"
#include "strata/base/timestamp.h"

namespace strata::internal {

struct StatusPage {
  struct Check {
    Health health;                           // the component is the name of the check
    HealthState state = HealthState::kPass;  // what that means for the process
    FailureTier tier = FailureTier::kCritical;
    absl::Duration asked_ago;
  };

  bool is_ready = true;
  bool is_draining = false;
  Timestamp now;
  absl::Duration uptime;
  std::vector<Check> checks;
  bool has_metrics = false;
  // How often the page loads itself anew, in whole seconds. Zero: never.
  absl::Duration refresh;
};

// The Content-Security-Policy that the page keeps to.
inline constexpr const char* kStatusPagePolicy = "default-src 'none'; style-src 'unsafe-inline'";

// Needs nothing but itself: no script, no other resource. The texts of `page` may hold any bytes:
// markup is shown and not obeyed, what is no character is shown as U+FFFD.
std::string renderStatusPage(const StatusPage& page);

}  // namespace strata::internal
