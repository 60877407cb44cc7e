// StarvedWait: which waits say something about a server, and where the others are counted.
#include "src/base/starved_wait.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "src/base/outage.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

using std::chrono::milliseconds;

constexpr const char* kCounter = "strata_starved_waits_total";
constexpr milliseconds kTimeout(100);
const SteadyTime kUntil = SteadyTime() + std::chrono::hours(1);

StarvedWait::Plan endedAfter(milliseconds delay, milliseconds timeout = kTimeout) {
  return {.until = kUntil, .timeout = timeout, .began = kUntil - timeout, .now = kUntil + delay};
}

TEST(StarvedWait, RepeatsAWaitThatEndedLateOnce) {
  StarvedWait wait("test");
  EXPECT_FALSE(wait.repeats(endedAfter(milliseconds(50)))) << "half the timeout is tolerated";
  EXPECT_FALSE(wait.isStarved());
  EXPECT_TRUE(wait.repeats(endedAfter(milliseconds(51))));
  EXPECT_FALSE(wait.repeats(endedAfter(milliseconds(51))));
  EXPECT_TRUE(wait.isStarved());
  wait.answered();
  EXPECT_TRUE(wait.repeats(endedAfter(milliseconds(51))));
}

TEST(StarvedWait, RepeatsAWaitThatBeganWhenItsTimeWasSpent) {
  StarvedWait wait("test");
  StarvedWait::Plan plan = endedAfter(milliseconds(0));
  plan.began = kUntil - milliseconds(49);
  EXPECT_TRUE(wait.repeats(plan));
  plan.began = kUntil - milliseconds(50);
  EXPECT_FALSE(wait.repeats(plan));
  EXPECT_FALSE(wait.isStarved());
}

TEST(StarvedWait, ToleratesTenMillisecondsOfAShortWait) {
  StarvedWait wait("test");
  EXPECT_FALSE(wait.repeats(endedAfter(milliseconds(10), milliseconds(1))));
  EXPECT_TRUE(wait.repeats(endedAfter(milliseconds(11), milliseconds(1))));
}

TEST(StarvedWait, IsCountedInEveryMetricsThatLives) {
  const auto one = std::make_shared<InMemoryMetrics>();
  auto gone = std::make_shared<InMemoryMetrics>();
  countStarvedWaits(one);
  countStarvedWaits(one);
  countStarvedWaits(gone);
  gone = nullptr;
  StarvedWait("test").repeats(endedAfter(kTimeout));
  noteStarvedWait("other");
  EXPECT_EQ(one->count(kCounter, {{"wait", "test"}}), 1);
  EXPECT_EQ(one->count(kCounter), 2);
}

// A breaker that counted it would open on a server that is well.
TEST(StarvedWait, IsNoOutageOfTheServer) {
  const absl::Status late = absl::DeadlineExceededError("no answer in time");
  StarvedWait wait("test");
  wait.repeats(endedAfter(kTimeout));
  const absl::Status marked = annotate(annotate(wait.judge(late), "redis"), "cache");
  EXPECT_TRUE(isStarved(marked));
  EXPECT_FALSE(isOutage(marked, Deadline::never(), Clock::system()));
  wait.repeats(endedAfter(milliseconds(0)));
  EXPECT_FALSE(isStarved(wait.judge(late)));
  EXPECT_TRUE(isOutage(wait.judge(late), Deadline::never(), Clock::system()));
}

TEST(StarvedWaitScope, RenewsTheTimeOfAllWaitsOnceAndNeverPastTheDeadline) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const SteadyTime long_ago = now - std::chrono::seconds(1);
  EXPECT_EQ(StarvedWaitScope::current(), nullptr);
  {
    StarvedWaitScope scope("test", kTimeout, SteadyTime::max());
    ASSERT_EQ(StarvedWaitScope::current(), &scope);
    EXPECT_EQ(scope.endOf(long_ago), long_ago);
    EXPECT_TRUE(scope.repeats(long_ago));
    EXPECT_GE(scope.endOf(long_ago), now + kTimeout);
    EXPECT_FALSE(scope.repeats(long_ago));
    EXPECT_TRUE(scope.isStarved());
    StarvedWaitScope hurried("test", kTimeout, now);
    EXPECT_EQ(StarvedWaitScope::current(), &hurried);
    EXPECT_FALSE(hurried.repeats(long_ago));
  }
  EXPECT_EQ(StarvedWaitScope::current(), nullptr);
}

}  // namespace
}  // namespace strata::internal
