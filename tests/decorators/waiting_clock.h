// A clock for tests of what waits: it knows who does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "strata/base/clock.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"

namespace strata::gated {

// Stands still until it is moved. Who waits on it is woken by what it waits for and by time alone,
// never for no reason, so that a test can say who acts next.
class WaitingClock final : public Clock {
 public:
  MonotonicTime now() const override {
    ++reads_;
    return time_.now();
  }
  Timestamp wallTime() const override { return time_.wallTime(); }
  void sleepFor(absl::Duration duration) const override {
    time_.sleepFor(duration);
    wakeAll();
  }
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
            MonotonicTime until) const override {
    const auto self = enter({lock.mutex(), &changed});
    if (time_.now() < until) changed.wait(lock);
    const std::lock_guard own_lock(mutex_);
    waiters_.erase(self);
  }

  void advance(absl::Duration duration) {
    time_.advance(duration);
    wakeAll();
  }
  absl::Duration sleptFor() const { return time_.sleptFor(); }
  int reads() const { return reads_; }

  // Whether so many threads wait at this moment, or soon.
  bool awaitWaiting(std::size_t threads) const {
    return testing::eventually([&] {
      const std::lock_guard lock(mutex_);
      return waiters_.size() == threads;
    });
  }

 private:
  struct Waiter {
    std::mutex* mutex;
    std::condition_variable* changed;
  };
  using Waiters = std::map<std::uint64_t, Waiter>;

  Waiters::iterator enter(Waiter waiter) const {
    const std::lock_guard lock(mutex_);
    return waiters_.emplace(next_++, waiter).first;
  }

  // With the mutex of each, so that nobody is on the way between looking at the time and waiting.
  void wakeAll() const {
    Waiters waiters;
    {
      const std::lock_guard lock(mutex_);
      waiters = waiters_;
    }
    for (const auto& [number, waiter] : waiters) {
      const std::lock_guard theirs(*waiter.mutex);
      const std::lock_guard lock(mutex_);
      if (waiters_.contains(number)) waiter.changed->notify_all();
    }
  }

  testing::FakeClock time_;
  mutable std::atomic<int> reads_{0};
  mutable std::mutex mutex_;
  mutable Waiters waiters_;
  mutable std::uint64_t next_ = 0;
};

}  // namespace strata::gated
