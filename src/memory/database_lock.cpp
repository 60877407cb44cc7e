#include "src/memory/database_lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace strata::internal {
namespace {

constexpr absl::Duration kMaxWait = absl::Seconds(5);

// The units in whose functions this thread is, the innermost last.
using UnitOfLock = std::pair<const DatabaseLock*, DatabaseLock::Unit>;
std::vector<UnitOfLock>& unitsOfThread() {
  thread_local std::vector<UnitOfLock> units;
  return units;
}

absl::Status deadlock() {
  return absl::AbortedError(
      "deadlock: this unit of work waits for another one that waits for it; repeat the whole unit");
}

absl::Status waitsForItsOwn(DatabaseLock::Unit unit) {
  return absl::FailedPreconditionError(
      fmt::format("this call would wait for unit of work {}, in whose function it is made and which"
                  " ends after it: name the unit in the options of the call",
                  unit));
}

}  // namespace

DatabaseLock::Inside::Inside(const DatabaseLock& lock, Unit unit) {
  unitsOfThread().emplace_back(&lock, unit);
}

DatabaseLock::Inside::~Inside() { unitsOfThread().pop_back(); }

bool DatabaseLock::isInside(Unit unit) const {
  const auto& units = unitsOfThread();
  return std::find(units.begin(), units.end(), UnitOfLock(this, unit)) != units.end();
}

absl::Status DatabaseLock::outOfTime(Unit holder) const {
  std::string message =
      "the in-memory database was held by a unit of work for as long as this call could wait";
  const auto unit = open_.find(holder);
  if (unit != open_.end() && unit->second.by == std::this_thread::get_id()) {
    message +=
        fmt::format("; this thread began unit {}: does the call lack it in its options?", holder);
  }
  return absl::DeadlineExceededError(message);
}

DatabaseLock::Unit DatabaseLock::begin() {
  const std::lock_guard lock(mutex_);
  open_.emplace(++last_, Opened{.by = std::this_thread::get_id()});
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
    const Unit holder = blocker();
    if (by != kNoUnit) waits_for_[by] = holder;
    if (by != kNoUnit && waitsForItself(by)) {
      status = deadlock();
    } else if (isInside(holder)) {
      status = waitsForItsOwn(holder);
    } else if (clock.now() >= limit) {
      status = outOfTime(holder);
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

absl::Status DatabaseLock::lock(Unit by, Deadline deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  if (has_data_ == by) return absl::OkStatus();
  absl::Status status = await(
      lock, by, deadline, clock,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return has_data_ == kNoUnit; },
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return has_data_; });
  if (status.ok()) has_data_ = by;
  return status;
}

absl::Status DatabaseLock::lockShared(Deadline deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  absl::Status status = await(
      lock, kNoUnit, deadline, clock,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        const bool is_free = changing_ == std::thread::id() && waiting_to_change_ == 0;
        return is_free || changesHere();
      },
      [] { return kNoUnit; });
  if (status.ok()) ++sharers_;
  return status;
}

void DatabaseLock::unlockShared() {
  const std::lock_guard lock(mutex_);
  if (--sharers_ == 0 && waiting_to_change_ > 0) changed_.notify_all();
}

absl::Status DatabaseLock::lockChange(Deadline deadline, const Clock& clock) {
  std::unique_lock lock(mutex_);
  ++waiting_to_change_;
  absl::Status status = await(
      lock, kNoUnit, deadline, clock,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return changing_ == std::thread::id() && sharers_ == 0;
      },
      [] { return kNoUnit; });
  --waiting_to_change_;
  if (status.ok()) {
    changing_ = std::this_thread::get_id();
  } else {
    changed_.notify_all();  // for those that stood back
  }
  return status;
}

void DatabaseLock::unlockChange() {
  const std::lock_guard lock(mutex_);
  changing_ = {};
  changed_.notify_all();
}

DatabaseLock::Unit DatabaseLock::uncommitted() const {
  const std::lock_guard lock(mutex_);
  return uncommitted_;
}

void DatabaseLock::setUncommitted(Unit unit) {
  const std::lock_guard lock(mutex_);
  uncommitted_ = unit;
}

}  // namespace strata::internal
