#include "strata/base/clock.h"

#include <algorithm>
#include <ctime>
#include <thread>

namespace strata {
namespace {

class SystemClock final : public Clock {
 public:
  MonotonicTime now() const override {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return MonotonicTime::fromNanos(std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec);
  }
  Timestamp wallTime() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  void sleepFor(absl::Duration duration) const override {
    std::this_thread::sleep_for(absl::ToChronoNanoseconds(duration));
  }
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
            MonotonicTime until) const override {
    if (until == MonotonicTime::max()) return changed.wait(lock);
    // In pieces: waiting counts no suspended time, and this clock does.
    constexpr absl::Duration kPiece = absl::Minutes(1);
    const absl::Duration left = std::min(until - now(), kPiece);
    if (left > absl::ZeroDuration()) changed.wait_for(lock, absl::ToChronoNanoseconds(left));
  }
};

}  // namespace

const Clock& Clock::system() {
  // Never destroyed: threads that outlive main still read it.
  static const auto* const clock = new SystemClock();
  return *clock;
}

}  // namespace strata
