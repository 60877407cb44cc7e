// DatabaseLock: many who share or one who excludes, each waiting no longer than its deadline.
//
// Not for: what is held for an instant; std::shared_mutex is lighter.
#pragma once

#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"

namespace strata::internal {

// Thread-safe. Who waits to exclude goes before those who come later to share. Not recursive.
class DatabaseLock {
 public:
  // DeadlineExceeded: not had by the deadline, or within five seconds. The holder may be a unit of
  // work of the calling thread itself.
  absl::Status lockShared(Deadline deadline, const Clock& clock);
  void unlockShared();
  absl::Status lock(Deadline deadline, const Clock& clock);
  void unlock();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int sharers_ ABSL_GUARDED_BY(mutex_) = 0;
  int waiting_to_exclude_ ABSL_GUARDED_BY(mutex_) = 0;
  bool excluded_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace strata::internal
