#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "strata/base/deadline.h"
#include "strata/testing/fakes/fake_clock.h"

namespace strata {
namespace {

using testing::FakeClock;

TEST(FakeClock, StandsStillUntilItIsMoved) {
  FakeClock clock;
  const MonotonicTime start = clock.now();
  EXPECT_EQ(clock.now(), start);
  EXPECT_EQ(clock.wallTime(), FakeClock::kDefaultStart);
  clock.advance(absl::Microseconds(1500));
  EXPECT_EQ(clock.now() - start, absl::Microseconds(1500));
  EXPECT_EQ(clock.wallTime() - FakeClock::kDefaultStart, std::chrono::microseconds(1500));
}

// B-40
TEST(FakeClock, MovesTheWallClockWithoutLettingTimePass) {
  FakeClock clock;
  const MonotonicTime start = clock.now();
  clock.jumpWallClock(-absl::Hours(24));
  EXPECT_EQ(clock.wallTime(), FakeClock::kDefaultStart - std::chrono::hours(24));
  clock.setWallTime(kMaxTimestamp);
  EXPECT_EQ(clock.wallTime(), kMaxTimestamp);
  clock.setWallTime(kMinTimestamp);
  EXPECT_EQ(clock.wallTime(), kMinTimestamp);
  EXPECT_EQ(clock.now(), start);
}

TEST(FakeClock, SleepingLetsTimePassAtOnce) {
  FakeClock clock;
  const Deadline deadline = Deadline::in(absl::Hours(1), clock);
  clock.sleepFor(absl::Minutes(59));
  EXPECT_FALSE(deadline.hasPassed(clock));
  clock.sleepFor(absl::Minutes(1));
  clock.sleepFor(-absl::Minutes(1));
  EXPECT_TRUE(deadline.hasPassed(clock));
  EXPECT_EQ(clock.sleptFor(), absl::Hours(1));
}

TEST(FakeClock, LosesNoAdvanceOfAnyThread) {
  FakeClock clock;
  const MonotonicTime start = clock.now();
  {
    const auto advance = [&clock] {
      for (int step = 0; step < 1000; ++step) clock.advance(absl::Nanoseconds(1));
    };
    const std::array<std::jthread, 4> threads{std::jthread(advance), std::jthread(advance),
                                              std::jthread(advance), std::jthread(advance)};
  }
  EXPECT_EQ(clock.now() - start, absl::Nanoseconds(4000));
}

}  // namespace
}  // namespace strata
