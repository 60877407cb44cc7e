// DatabaseLock: what units of work on an InMemoryDatabase wait for: the end of another unit that
// holds a row, or the data of the database that are no rows (InMemoryTables::data), which one unit
// changes at a time and readers share.
//
// Units that wait for each other are a deadlock, as in a database: the one that completes the circle
// is refused with Aborted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"

namespace strata::internal {

// Thread-safe. Every wait ends with DeadlineExceeded at the deadline, or after five seconds; the
// holder may be a unit of the calling thread itself.
class DatabaseLock {
 public:
  // One unit of work, for as long as it is open. Numbers are never used again.
  using Unit = std::uint64_t;
  static constexpr Unit kNoUnit = 0;  // of a call by itself

  Unit begin();
  // Releases the data where it has them, and those that wait for its end. Its rows are free already.
  void end(Unit unit);

  // Waits until `holder` has ended. Aborted: a deadlock.
  absl::Status awaitEnd(Unit holder, Unit by, Deadline deadline, const Clock& clock);

  // The data, for readers. A unit that waits to change them goes before readers that come later.
  // Aborted: a deadlock. Not for a unit that has the data.
  absl::Status lockShared(Unit by, Deadline deadline, const Clock& clock);
  void unlockShared();
  // The data, until the end of `by`. Aborted: a deadlock.
  absl::Status lock(Unit by, Deadline deadline, const Clock& clock);

 private:
  // Waits until `is_free()`. Meanwhile `by` waits for `blocker()`.
  template <typename IsFree, typename Blocker>
  absl::Status await(std::unique_lock<std::mutex>& lock, Unit by, Deadline deadline,
                     const Clock& clock, IsFree is_free, Blocker blocker);
  bool waitsForItself(Unit unit) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::mutex mutex_;
  std::condition_variable changed_;
  Unit last_ ABSL_GUARDED_BY(mutex_) = kNoUnit;
  absl::flat_hash_set<Unit> open_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Unit, Unit> waits_for_ ABSL_GUARDED_BY(mutex_);
  int sharers_ ABSL_GUARDED_BY(mutex_) = 0;
  int waiting_to_exclude_ ABSL_GUARDED_BY(mutex_) = 0;
  Unit has_data_ ABSL_GUARDED_BY(mutex_) = kNoUnit;
};

}  // namespace strata::internal
