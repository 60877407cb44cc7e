#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "src/base/starved_wait.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"

namespace strata::internal {

inline constexpr const char* kOfOneServerMark = "strata/of-one-server";

// A failure of one of several servers that share the keys, while most of the others answer. That one
// has a circuit breaker of its own, so the failure does not count for the breaker of the whole.
// annotate() keeps the mark.
inline absl::Status markOfOneServer(absl::Status status) {
  status.SetPayload(kOfOneServerMark, absl::Cord("1"));
  return status;
}
inline bool isOfOneServer(const absl::Status& status) {
  return status.GetPayload(kOfOneServerMark).has_value();
}

// What came of asking all of several servers: ok also where only some of them have failed.
inline absl::Status exceptOfOneServer(const absl::Status& status) {
  return isOfOneServer(status) ? absl::OkStatus() : status;
}

// Whether a failure tells about the server: not what it refused for the call's own sake, nor that
// the caller had less time than the server is given, or this process no processor.
inline bool isOutage(const absl::Status& status, Deadline deadline, const Clock& clock) {
  if (isStarved(status) || isOfOneServer(status)) return false;
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
