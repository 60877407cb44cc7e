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
  virtual void schedule(absl::Duration delay, std::function<void()> task) = 0;

  // Threads of Strata's own, shared by the whole process: none before the first task, at most four.
  // A child of fork() has threads of its own and runs, as its parent does, the tasks that had not
  // begun. Lives for ever.
  static const std::shared_ptr<Executor>& shared();

  // Threads of its own, at most so many (at least one), that start as tasks find none idle and end
  // with it; that waits for the tasks that are running. After a fork as `shared`.
  static std::shared_ptr<Executor> withThreads(std::size_t max_threads);
};

}  // namespace strata
