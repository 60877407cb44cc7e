#include "src/memory/database_lock.h"

#include <algorithm>

namespace strata::internal {
namespace {

constexpr absl::Duration kMaxWait = absl::Seconds(5);

absl::Status outOfTime() {
  return absl::DeadlineExceededError(
      "the in-memory database was held by a unit of work for as long as this call could wait");
}

// Read only by who has to wait.
MonotonicTime limitOf(Deadline deadline, const Clock& clock) {
  return std::min(deadline.time(), clock.now() + kMaxWait);
}

}  // namespace

absl::Status DatabaseLock::lockShared(Deadline deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  const auto free = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return !excluded_ && waiting_to_exclude_ == 0;
  };
  if (!free()) {
    const MonotonicTime limit = limitOf(deadline, clock);
    while (!free()) {
      if (clock.now() >= limit) return outOfTime();
      clock.wait(lock, changed_, limit);
    }
  }
  ++sharers_;
  return absl::OkStatus();
}

void DatabaseLock::unlockShared() {
  const std::lock_guard lock(mutex_);
  if (--sharers_ == 0 && waiting_to_exclude_ > 0) changed_.notify_all();
}

absl::Status DatabaseLock::lock(Deadline deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  const auto free = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !excluded_ && sharers_ == 0; };
  if (!free()) {
    const MonotonicTime limit = limitOf(deadline, clock);
    ++waiting_to_exclude_;
    while (!free() && clock.now() < limit) clock.wait(lock, changed_, limit);
    --waiting_to_exclude_;
    if (!free()) {
      changed_.notify_all();  // for those who stood back
      return outOfTime();
    }
  }
  excluded_ = true;
  return absl::OkStatus();
}

void DatabaseLock::unlock() {
  const std::lock_guard lock(mutex_);
  excluded_ = false;
  changed_.notify_all();
}

}  // namespace strata::internal
