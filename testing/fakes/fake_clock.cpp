#include "strata/testing/fakes/fake_clock.h"

#include <cassert>

namespace strata::testing {
namespace {

// Not zero: code that takes a zero time for "never" shall fail in a test.
constexpr std::int64_t kFirstNanos = 3'600'000'000'000;

std::int64_t microsOf(Timestamp time) { return time.time_since_epoch().count(); }

}  // namespace

FakeClock::FakeClock(Timestamp wall_time)
    : monotonic_nanos_(kFirstNanos),
      wall_offset_micros_(microsOf(wall_time) - kFirstNanos / 1000) {}

MonotonicTime FakeClock::now() const { return MonotonicTime::fromNanos(monotonic_nanos_.load()); }

Timestamp FakeClock::wallTime() const {
  return Timestamp(
      std::chrono::microseconds(monotonic_nanos_.load() / 1000 + wall_offset_micros_.load()));
}

void FakeClock::sleepFor(absl::Duration duration) const {
  if (duration <= absl::ZeroDuration()) return;
  const std::int64_t nanos = absl::ToInt64Nanoseconds(duration);
  slept_nanos_.fetch_add(nanos);
  pass(nanos);
}

void FakeClock::wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                     MonotonicTime until) const {
  constexpr std::chrono::milliseconds kGlance(1);
  if (now() < until) changed.wait_for(lock, kGlance);
}

void FakeClock::advance(absl::Duration duration) {
  assert(duration >= absl::ZeroDuration());
  pass(absl::ToInt64Nanoseconds(duration));
}

void FakeClock::jumpWallClock(absl::Duration duration) {
  wall_offset_micros_.fetch_add(absl::ToInt64Microseconds(duration));
}

void FakeClock::setWallTime(Timestamp time) {
  wall_offset_micros_.store(microsOf(time) - monotonic_nanos_.load() / 1000);
}

absl::Duration FakeClock::sleptFor() const { return absl::Nanoseconds(slept_nanos_.load()); }

void FakeClock::pass(std::int64_t nanos) const { monotonic_nanos_.fetch_add(nanos); }

}  // namespace strata::testing
