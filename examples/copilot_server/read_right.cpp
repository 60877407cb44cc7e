#include "examples/copilot_server/read_right.h"

#include <algorithm>
#include <utility>

#include "strata/base/backend_error.h"

namespace copilot {
namespace {

// A database that denies the service something says nothing of the reader.
bool isNo(const absl::Status& status) {
  return !strata::isBackendError(status) &&
         (absl::IsNotFound(status) || absl::IsPermissionDenied(status) ||
          absl::IsUnauthenticated(status));
}

}  // namespace

ReadRight::ReadRight(Check check, const strata::Clock& clock, ReadRightOptions options)
    : check_(std::move(check)),
      clock_(clock),
      options_(options),
      granted_(clock.now()),
      due_(granted_ + options.every),
      expires_(granted_ + options.life) {}

bool ReadRight::isFresh() const {
  const strata::MonotonicTime now = clock_.now();
  return !ended_ && fresh_ && now - granted_ < options_.every && now < expires_;
}

absl::Duration ReadRight::untilDue() const {
  return std::max(absl::ZeroDuration(), std::min(due_, expires_) - clock_.now());
}

void ReadRight::expire() {
  fresh_ = false;
  due_ = clock_.now();
}

void ReadRight::renew() {
  // The answer is as old as the question.
  const strata::MonotonicTime asked = clock_.now();
  if (asked >= expires_) {
    ended_ = true;
    return;
  }
  const absl::Status status = check_();
  if (status.ok()) {
    fresh_ = true;
    granted_ = asked;
    due_ = asked + options_.every;
    return;
  }
  due_ = clock_.now() + options_.retry;
  ended_ = isNo(status) || clock_.now() - granted_ >= options_.patience;
}

}  // namespace copilot
