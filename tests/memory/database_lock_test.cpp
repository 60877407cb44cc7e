#include "src/memory/database_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

using testing::eventually;
using testing::IsOk;

// The system's, which counts who waits by it.
class CountingClock final : public Clock {
 public:
  MonotonicTime now() const override { return Clock::system().now(); }
  Timestamp wallTime() const override { return Clock::system().wallTime(); }
  void sleepFor(absl::Duration duration) const override { Clock::system().sleepFor(duration); }
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
            MonotonicTime until) const override {
    ++waits_;
    Clock::system().wait(lock, changed, until);
  }
  int waits() const { return waits_; }

 private:
  mutable std::atomic<int> waits_{0};
};

// The reader waited for the unit that had the data before, and was not told that another one has them
// now: the circle was not noticed, and both waited for five seconds.
void checkThatACircleIsNoticed() {
  DatabaseLock lock;
  const auto before = lock.begin();
  const auto reader = lock.begin();
  const auto writer = lock.begin();
  ASSERT_THAT(lock.lock(before, {}, Clock::system()), IsOk());
  CountingClock clock;
  absl::Status read;
  absl::Status wrote;
  std::jthread reading([&] {
    read = lock.lockShared(reader, {}, clock);
    lock.end(reader);
  });
  ASSERT_TRUE(eventually([&] { return clock.waits() == 1; }));
  std::jthread writing([&] {
    wrote = lock.lock(writer, {}, clock);
    if (wrote.ok()) wrote = lock.awaitEnd(reader, writer, {}, clock);  // it has a row
    lock.end(writer);
  });
  ASSERT_TRUE(eventually([&] { return clock.waits() == 2; }));
  lock.end(before);
  writing.join();
  reading.join();
  EXPECT_TRUE(absl::IsAborted(read) || absl::IsAborted(wrote)) << read << "; " << wrote;
}

// Which of the two wakes first is the system's choice.
TEST(DatabaseLock, NoticesACircleWithWhoeverGotTheDataMeanwhile) {
  for (int i = 0; i < 20 && !::testing::Test::HasFailure(); ++i) checkThatACircleIsNoticed();
}

}  // namespace
}  // namespace strata::internal
