// Tasks that no executor took, because no thread could be started. They are kept, and offered again
// by whoever notices that something waits for a task: there is no thread that could do so by itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace strata::internal {

// Keeps `offer` and calls it, without a lock, from later calls of retryRefused, until it returns
// true. It must not throw. Thread-safe.
void keepRefused(std::function<bool()> offer);

namespace refused_tasks {
extern std::atomic<std::size_t> count;
void retry();
}  // namespace refused_tasks

// Offers again what is kept, at most every 10 ms. Costs a load while nothing is kept; otherwise an
// attempt to start a thread. It runs no task. Thread-safe; not to be called with a lock.
inline void retryRefused() {
  if (refused_tasks::count.load(std::memory_order_relaxed) != 0) refused_tasks::retry();
}

}  // namespace strata::internal
