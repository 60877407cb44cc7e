// Executor: where work runs that no caller waits for.
//
//   CachingStore<T>::create(std::move(below), cache, options, metrics, clock, executor);
//
// Strata brings one (`Executor::shared()`); an application that has a pool of its own hands it in
// by implementing two methods. Not for: work with a result (see the caller's own futures).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/time/time.h"

namespace strata {

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `task` once, `delay` from now or a little later, on a thread that is not the caller's. It
  // may block for as long as one call of a backend; it must not throw. A task that was not begun
  // when the executor ends is destroyed without being run.
  //
  // An implementation may throw where it cannot take the task, for example std::system_error when
  // it has no thread and can start none. Strata's own do not throw: they keep the task, and try
  // again to start a thread at later calls. Strata calls an executor without a lock of its own, so
  // an implementation may block, and may call stores.
  virtual void schedule(absl::Duration delay, std::function<void()> task) = 0;

  // As `schedule`, but where no thread can run the task it is dropped, and the answer is false: the
  // caller does the work itself, or tries again later. Does not throw.
  virtual bool trySchedule(absl::Duration delay, std::function<void()> task);

  // Threads of Strata's own, shared by the whole process: none before the first task, at most four.
  // A task that throws is logged, and harms no other. A child of fork() has threads of its own and
  // runs, as its parent does, the tasks that had not begun. Never destroyed.
  static const std::shared_ptr<Executor>& shared();

  // Threads of its own, at most so many (at least one), that start as tasks find none idle and end
  // with it; that waits for the tasks that are running. After a fork as `shared`.
  static std::shared_ptr<Executor> withThreads(std::size_t max_threads);
};

}  // namespace strata
