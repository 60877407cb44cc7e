#include "examples/copilot_server/read_right.h"

#include <algorithm>
#include <utility>

namespace copilot {

ReadRight::ReadRight(Check check, const strata::Clock& clock, ReadRightOptions options)
    : check_(std::move(check)),
      clock_(clock),
      options_(options),
      granted_(clock.now()),
      due_(granted_ + options.every) {}

bool ReadRight::isFresh() const {
  return !ended_ && fresh_ && clock_.now() - granted_ < options_.every;
}

absl::Duration ReadRight::untilDue() const {
  return std::max(absl::ZeroDuration(), due_ - clock_.now());
}

void ReadRight::expire() {
  fresh_ = false;
  due_ = clock_.now();
}

void ReadRight::renew() {
  // The answer is as old as the question.
  const strata::MonotonicTime asked = clock_.now();
  const absl::Status status = check_();
  if (status.ok()) {
    fresh_ = true;
    granted_ = asked;
    due_ = asked + options_.every;
    return;
  }
  due_ = clock_.now() + options_.retry;
  ended_ = absl::IsNotFound(status) || absl::IsPermissionDenied(status) ||
           absl::IsUnauthenticated(status) || clock_.now() - granted_ >= options_.patience;
}

}  // namespace copilot
