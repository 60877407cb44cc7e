// EventCount: where threads wait for something to become true that an atomic or a mutex of their
// own tells, without the mutex that a condition variable makes the woken thread fight its waker
// for.
//
//   while (!done) {                                   // the waiting thread
//     const auto seen = events.count();
//     if (!done && !events.wait(seen, group, until)) break;   // out of time
//   }
//   done = true; events.wakeAll(groups);              // the one that makes it true
//
// Threads wait in groups, numbered from 0 and taken modulo 32, so that one system call wakes those
// it is for and few others. Being woken for nothing must do no harm.
//
// A futex (futex(2)), for what the standard library lacks: an atomic's wait() takes no time limit.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace strata::internal {

class EventCount {
 public:
  // A set of groups.
  using Groups = std::uint32_t;
  static Groups only(std::uint32_t group) { return Groups{1} << (group % 32); }

  // To be taken before looking whether there is anything to wait for.
  std::uint32_t count() const { return count_.load(std::memory_order_acquire); }

  // Waits for a wake of the group since `seen` was taken; false: there was none until then.
  bool wait(std::uint32_t seen, std::uint32_t group,
            std::chrono::steady_clock::time_point until) const;

  void wakeAll(Groups groups);
  // One thread of them, whichever.
  void wakeOne(Groups groups);

 private:
  void wake(Groups groups, int most);

  std::atomic<std::uint32_t> count_{0};
};

}  // namespace strata::internal
