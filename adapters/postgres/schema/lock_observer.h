// What a session waits for, and who is in its way: for messages. Tells names of objects, processes
// and sessions, and no text of any query, which may hold secrets.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "adapters/postgres/client/pool.h"

namespace strata::postgres {

// "advisory lock 7, held by pid 4711 (…)", of a lock of this database; empty when it is free.
absl::StatusOr<std::string> holdersOfAdvisoryLock(Connection& connection, std::int64_t lock);

// Looks at a session from a second one of the pool while that session waits for a lock; afterwards
// nothing tells any more. Asks only while it has one to look at. Thread-safe.
class LockObserver {
 public:
  explicit LockObserver(Pool& pool);
  ~LockObserver();
  LockObserver(const LockObserver&) = delete;
  LockObserver& operator=(const LockObserver&) = delete;

  // The session to look at, by its backend's pid; empty is none.
  void watch(std::string pid);
  // The last wait that was seen: "ACCESS EXCLUSIVE lock on table shop.items, held by pid 4711 (…)".
  // Empty: none.
  std::string seen() const;

 private:
  void run();
  void look(const std::string& pid);

  Pool& pool_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string pid_ ABSL_GUARDED_BY(mutex_);
  std::string seen_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace strata::postgres
