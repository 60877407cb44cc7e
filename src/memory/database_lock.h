// DatabaseLock: what units of work on an InMemoryDatabase wait for: the end of another unit that
// holds a row, or the data of the database that are no rows (InMemoryTables::data), which one unit
// at a time may change until it ends.
//
// Units that wait for each other are a deadlock, as in a database: the one that completes the circle
// is refused with Aborted.
//
// Readers of the data wait for nothing but the calls that change them at this moment: what a unit
// has changed and not committed yet is not theirs, and they read a copy without it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"

namespace strata::internal {

// Thread-safe. Every wait ends with DeadlineExceeded at the deadline, or after five seconds.
class DatabaseLock {
 public:
  // One unit of work, for as long as it is open. Numbers are never used again.
  using Unit = std::uint64_t;
  static constexpr Unit kNoUnit = 0;  // of a call by itself

  // While it lives this thread is in the function of a unit, which ends after that function. A call
  // of this thread that waits for the unit would wait for itself.
  class Inside {
   public:
    Inside(const DatabaseLock& lock, Unit unit);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
  };

  Unit begin();
  // Releases the data where it has them, and those that wait for its end. Its rows are free already.
  void end(Unit unit);

  // Waits until `holder` has ended. Aborted: a deadlock. FailedPrecondition: this thread is inside
  // the unit.
  absl::Status awaitEnd(Unit holder, Unit by, Deadline deadline, const Clock& clock);
  // The right to change the data, until the end of `by`. Errors as above.
  absl::Status lock(Unit by, Deadline deadline, const Clock& clock);

  // ---- For the time of one call ----

  // Keeps changes of the data away. A call that waits to change them goes before readers that come
  // later. At once in a call of this thread that changes them.
  absl::Status lockShared(Deadline deadline, const Clock& clock);
  void unlockShared();
  // Keeps readers of the data away. By the unit that has them.
  absl::Status lockChange(Deadline deadline, const Clock& clock);
  void unlockChange();
  // The unit whose changes of the data are not committed yet, or kNoUnit.
  Unit uncommitted() const;
  void setUncommitted(Unit unit);

 private:
  struct Opened {
    std::thread::id by;
  };

  // Waits until `is_free()`. Meanwhile `by` waits for `blocker()`, which may be no unit.
  template <typename IsFree, typename Blocker>
  absl::Status await(std::unique_lock<std::mutex>& lock, Unit by, Deadline deadline,
                     const Clock& clock, IsFree is_free, Blocker blocker);
  bool waitsForItself(Unit unit) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool isInside(Unit unit) const;
  absl::Status outOfTime(Unit holder) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool changesHere() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return changing_ == std::this_thread::get_id();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Unit last_ ABSL_GUARDED_BY(mutex_) = kNoUnit;
  absl::flat_hash_map<Unit, Opened> open_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Unit, Unit> waits_for_ ABSL_GUARDED_BY(mutex_);
  Unit has_data_ ABSL_GUARDED_BY(mutex_) = kNoUnit;
  Unit uncommitted_ ABSL_GUARDED_BY(mutex_) = kNoUnit;
  int sharers_ ABSL_GUARDED_BY(mutex_) = 0;
  int waiting_to_change_ ABSL_GUARDED_BY(mutex_) = 0;
  // The thread whose call changes the data; none: no thread.
  std::thread::id changing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::internal
