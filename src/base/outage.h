#pragma once

#include "absl/status/status.h"
#include "src/base/starved_wait.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"

namespace strata::internal {

// Whether a failure tells about the server: not what it refused for the call's own sake, nor that
// the caller had less time than the server is given, or this process no processor.
inline bool isOutage(const absl::Status& status, Deadline deadline, const Clock& clock) {
  if (isStarved(status)) return false;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
      return true;
    case absl::StatusCode::kDeadlineExceeded:
      return !deadline.hasPassed(clock);
    default:
      return false;
  }
}

}  // namespace strata::internal
