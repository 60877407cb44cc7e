// FakeClock: a clock that a test moves.
//
//   FakeClock clock;
//   CircuitBreaker breaker({}, clock);
//   clock.advance(absl::Seconds(15));
//
// It stands still until it is moved. `sleepFor` moves it by the time slept and returns at once, so
// that nothing that waits on this clock ever waits for real; `sleptFor()` tells how much was slept.
//
// Not for: waiting until something has happened in another thread (see eventually.h).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "absl/time/time.h"
#include "strata/base/clock.h"

namespace strata::testing {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  // 2026-01-01T00:00:00Z.
  static constexpr Timestamp kDefaultStart = std::chrono::sys_days(std::chrono::year{2026} / 1 / 1);

  explicit FakeClock(Timestamp wall_time = kDefaultStart);

  MonotonicTime now() const override;
  Timestamp wallTime() const override;
  void sleepFor(absl::Duration duration) const override;
  // Wakes now and then by itself, and so sees that the clock was moved.
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
            MonotonicTime until) const override;

  // Lets both kinds of time pass. `duration` must not be negative: monotonic time never goes back.
  void advance(absl::Duration duration);
  // Moves the wall clock alone, in either direction: an operator, or NTP, sets it.
  void jumpWallClock(absl::Duration duration);
  void setWallTime(Timestamp time);

  // What all threads together have slept on this clock.
  absl::Duration sleptFor() const;

 private:
  void pass(std::int64_t nanos) const;

  // Mutable: a Clock is const to everybody who reads it, and sleeping on it lets time pass.
  mutable std::atomic<std::int64_t> monotonic_nanos_;
  mutable std::atomic<std::int64_t> slept_nanos_{0};
  // The wall clock is the monotonic one plus this, in microseconds: nanoseconds end in the year
  // 2262.
  std::atomic<std::int64_t> wall_offset_micros_;
};

}  // namespace strata::testing
