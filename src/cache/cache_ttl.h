#pragma once

#include <algorithm>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace strata::internal {

// A time to live as every cache takes it: in whole milliseconds, rounded up. What outlasts a
// century is cut to it, so that no server's arithmetic overflows.
// InvalidArgument: it is not positive, or it never ends.
inline absl::StatusOr<absl::Duration> checkedTtl(absl::Duration ttl) {
  if (ttl <= absl::ZeroDuration() || ttl == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError("cache: a time to live must be above zero and must end");
  }
  constexpr absl::Duration kCentury = absl::Hours(24 * 36525);
  return std::min(absl::Ceil(ttl, absl::Milliseconds(1)), kCentury);
}

}  // namespace strata::internal
