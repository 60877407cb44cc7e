// Clock: where every component reads time, so that a test can move it (`testing::FakeClock`).
//
// Two kinds of time never mix: `MonotonicTime` measures (deadlines, leases, breakers) and only ever
// grows; `Timestamp` is the wall clock, kept in records and never compared to decide anything.
#pragma once

#include <compare>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>

#include "absl/time/time.h"
#include "strata/base/timestamp.h"

namespace strata {

// A point on this host's clock since boot, suspended time included. Meaningless in another host.
class MonotonicTime {
 public:
  constexpr MonotonicTime() = default;
  static constexpr MonotonicTime fromNanos(std::int64_t nanos) { return MonotonicTime(nanos); }
  static constexpr MonotonicTime max() {
    return MonotonicTime(std::numeric_limits<std::int64_t>::max());
  }

  constexpr std::int64_t nanos() const { return nanos_; }
  friend constexpr auto operator<=>(MonotonicTime, MonotonicTime) = default;
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b) {
    return absl::Nanoseconds(a.nanos_) - absl::Nanoseconds(b.nanos_);
  }
  // Saturates at `max()`.
  friend MonotonicTime operator+(MonotonicTime time, absl::Duration duration) {
    return MonotonicTime(absl::ToInt64Nanoseconds(absl::Nanoseconds(time.nanos_) + duration));
  }

 private:
  constexpr explicit MonotonicTime(std::int64_t nanos) : nanos_(nanos) {}
  std::int64_t nanos_ = 0;
};

// Thread-safe. A clock of a program's own must not throw, nor call anything of Strata: it is read with
// locks held.
class Clock {
 public:
  virtual ~Clock() = default;

  // CLOCK_BOOTTIME on the real clock: it counts suspends, which CLOCK_MONOTONIC does not, so a
  // lease cannot outlive a sleeping laptop or a paused virtual machine.
  virtual MonotonicTime now() const = 0;
  virtual Timestamp wallTime() const = 0;
  // Blocks the calling thread.
  virtual void sleepFor(absl::Duration duration) const = 0;
  // Waits for `changed`, with `lock` released meanwhile, until it is notified or this clock reads
  // `until`. It may return for no reason: ask again, and read the clock where it matters.
  //
  // Every wait of Strata for another thread goes through here, so that a simulation can decide what
  // happens meanwhile.
  virtual void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                    MonotonicTime until) const = 0;

  // The real clock; lives for ever.
  static const Clock& system();
};

}  // namespace strata
