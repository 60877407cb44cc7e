#include "adapters/redis/client/event_count.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "strata/testing/eventually.h"

namespace strata::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::eventually;

steady_clock::time_point in(milliseconds time) { return steady_clock::now() + time; }

TEST(EventCount, WaitsUntilItsTimeIsOut) {
  const EventCount events;
  const auto until = in(milliseconds(20));
  EXPECT_FALSE(events.wait(events.count(), 0, until));
  EXPECT_GE(steady_clock::now(), until);
  EXPECT_FALSE(events.wait(events.count(), 0, until)) << "a time that has passed";
}

TEST(EventCount, DoesNotMissWhatHappenedBeforeTheWait) {
  EventCount events;
  const std::uint32_t seen = events.count();
  events.wakeAll(EventCount::only(7));
  EXPECT_TRUE(events.wait(seen, 7, in(milliseconds(60'000))));
  EXPECT_TRUE(events.wait(seen, 8, in(milliseconds(60'000))))
      << "being woken for nothing is harmless";
}

class Waiters {
 public:
  // Each waits once, for a wake of its group.
  Waiters(EventCount& events, const std::vector<std::uint32_t>& groups) : woken_(groups.size()) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      threads_.emplace_back([this, &events, i, group = groups[i]] {
        const std::uint32_t seen = events.count();
        ++waiting_;
        // Long enough for any machine; a lost wake ends the wait here and fails the test.
        woken_[i] = events.wait(seen, group, in(milliseconds(60'000)));
        ++awake_;
      });
    }
    EXPECT_TRUE(eventually([&] { return waiting_ == groups.size(); }));
  }
  ~Waiters() {
    for (std::thread& thread : threads_) thread.join();
    for (const bool woken : woken_) EXPECT_TRUE(woken);
  }
  std::size_t awake() const { return awake_; }

 private:
  std::vector<char> woken_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> awake_{0};
  std::vector<std::thread> threads_;
};

TEST(EventCount, WakesAGroupAtOnce) {
  EventCount events;
  const Waiters waiters(events, {1, 1, 1, 33});
  events.wakeAll(EventCount::only(1));
  EXPECT_TRUE(eventually([&] { return waiters.awake() == 4; })) << "33 is 1 modulo 32";
}

TEST(EventCount, WakesSeveralGroups) {
  EventCount events;
  const Waiters waiters(events, {0, 1, 2});
  events.wakeAll(EventCount::only(0) | EventCount::only(1) | EventCount::only(2));
  EXPECT_TRUE(eventually([&] { return waiters.awake() == 3; }));
}

// One after the other, so that each wake finds its waiter, asleep or on its way.
TEST(EventCount, WakesOneAfterTheOther) {
  EventCount events;
  const Waiters waiters(events, {5, 5, 5});
  for (std::size_t woken = 1; woken <= 3; ++woken) {
    EXPECT_TRUE(eventually([&] {
      if (waiters.awake() < woken) events.wakeOne(EventCount::only(5));
      return waiters.awake() >= woken;
    }));
  }
}

}  // namespace
}  // namespace strata::internal
