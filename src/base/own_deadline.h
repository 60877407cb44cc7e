#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"

namespace strata::internal {

// Whether the deadline of the caller who made the call is why it ended with `status`. If so, callers
// with more time left do not share the answer. A time limit of the backend itself is everybody's.
inline bool isOwnDeadline(const absl::Status& status, Deadline deadline, const Clock& clock) {
  // Databases count in milliseconds, and may end a call a little before its deadline.
  constexpr absl::Duration kRounding = absl::Milliseconds(5);
  return absl::IsDeadlineExceeded(status) &&
         deadline.remaining(absl::InfiniteDuration(), clock) < kRounding;
}

}  // namespace strata::internal
