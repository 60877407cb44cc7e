#include "src/memory/database_lock.h"

#include <algorithm>

namespace strata::internal {
namespace {

constexpr absl::Duration kMaxWait = absl::Seconds(5);

absl::Status outOfTime() {
  return absl::DeadlineExceededError(
      "the in-memory database was held by a unit of work for as long as this call could wait");
}

absl::Status deadlock() {
  return absl::AbortedError(
      "deadlock: this unit of work waits for another one that waits for it; repeat the whole unit");
}

}  // namespace

DatabaseLock::Unit DatabaseLock::begin() {
  const std::lock_guard lock(mutex_);
  open_.insert(++last_);
  return last_;
}

void DatabaseLock::end(Unit unit) {
  const std::lock_guard lock(mutex_);
  open_.erase(unit);
  if (has_data_ == unit) has_data_ = kNoUnit;
  changed_.notify_all();
}

bool DatabaseLock::waitsForItself(Unit unit) const {
  for (auto next = waits_for_.find(unit); next != waits_for_.end();
       next = waits_for_.find(next->second)) {
    if (next->second == unit) return true;
  }
  return false;
}

template <typename IsFree, typename Blocker>
absl::Status DatabaseLock::await(std::unique_lock<std::mutex>& lock, Unit by, Deadline deadline,
                                 const Clock& clock, IsFree is_free,
                                 Blocker blocker) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (is_free()) return absl::OkStatus();
  const MonotonicTime limit = std::min(deadline.time(), clock.now() + kMaxWait);
  absl::Status status;
  while (status.ok() && !is_free()) {
    if (by != kNoUnit) waits_for_[by] = blocker();
    if (waitsForItself(by)) {
      status = deadlock();
    } else if (clock.now() >= limit) {
      status = outOfTime();
    } else {
      clock.wait(lock, changed_, limit);
    }
  }
  waits_for_.erase(by);
  return status;
}

absl::Status DatabaseLock::awaitEnd(Unit holder, Unit by, Deadline deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  return await(
      lock, by, deadline, clock,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !open_.contains(holder); },
      [&] { return holder; });
}

absl::Status DatabaseLock::lockShared(Unit by, Deadline deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  absl::Status status = await(
      lock, by, deadline, clock,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return has_data_ == kNoUnit && waiting_to_exclude_ == 0;
      },
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return has_data_; });
  if (status.ok()) ++sharers_;
  return status;
}

void DatabaseLock::unlockShared() {
  const std::lock_guard lock(mutex_);
  if (--sharers_ == 0 && waiting_to_exclude_ > 0) changed_.notify_all();
}

absl::Status DatabaseLock::lock(Unit by, Deadline deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  if (has_data_ == by) return absl::OkStatus();
  ++waiting_to_exclude_;
  absl::Status status = await(
      lock, by, deadline, clock,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return has_data_ == kNoUnit && sharers_ == 0; },
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return has_data_; });
  --waiting_to_exclude_;
  if (status.ok()) has_data_ = by;
  // Those who stood back may go on, or wait for `by` now, which may complete a circle.
  changed_.notify_all();
  return status;
}

}  // namespace strata::internal
