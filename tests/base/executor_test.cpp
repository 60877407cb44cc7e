#include "strata/base/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "src/base/background.h"
#include "src/base/refused_tasks.h"
#include "strata/base/clock.h"
#include "strata/base/metrics.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "tests/base/forked.h"
#include "tests/base/thread_shortage.h"

namespace strata {
namespace {

using internal::Background;
using internal::retryRefused;
using testing::eventually;
using testing::holdsInChild;
using testing::holdsWithoutThreads;
using testing::RefusingExecutor;
using testing::ThreadShortage;

TEST(SharedExecutor, RunsTasksOnThreadsOfItsOwnAndNotBeforeTheyAreDue) {
  std::latch done(1);
  std::thread::id ran_on;
  const MonotonicTime started = Clock::system().now();
  MonotonicTime ran_at;
  Executor::shared()->schedule(absl::Milliseconds(20), [&] {
    ran_on = std::this_thread::get_id();
    ran_at = Clock::system().now();
    done.count_down();
  });
  done.wait();
  EXPECT_NE(ran_on, std::this_thread::get_id());
  EXPECT_GE(ran_at - started, absl::Milliseconds(20));
}

TEST(SharedExecutor, ATaskThatBlocksHoldsUpNoOther) {
  std::latch let_go(1);
  std::latch others(3);
  std::latch blocked(1);
  Executor::shared()->schedule(absl::ZeroDuration(), [&] {
    let_go.wait();
    blocked.count_down();
  });
  for (int i = 0; i < 3; ++i) {
    Executor::shared()->schedule(absl::ZeroDuration(), [&] { others.count_down(); });
  }
  others.wait();
  let_go.count_down();
  blocked.wait();
}

TEST(OwnExecutor, RunsAsManyTasksAtOnceAsItHasThreads) {
  constexpr int threads = 8;
  const std::shared_ptr<Executor> executor = Executor::withThreads(threads);
  std::barrier together(threads + 1);
  for (int i = 0; i < threads; ++i) {
    executor->schedule(absl::ZeroDuration(), [&] { together.arrive_and_wait(); });
  }
  together.arrive_and_wait();
}

TEST(OwnExecutor, EndsWithItsRunningTasksAndRunsNoOther) {
  std::latch begun(1);
  std::atomic<bool> finished = false;
  std::atomic<bool> ran_later = false;
  auto executor = Executor::withThreads(1);
  executor->schedule(absl::ZeroDuration(), [&] {
    begun.count_down();
    Clock::system().sleepFor(absl::Milliseconds(1));
    finished = true;
  });
  executor->schedule(absl::Hours(1), [&] { ran_later = true; });
  begun.wait();
  executor.reset();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(ran_later);
}

TEST(OwnExecutor, ATaskMayHoldTheLastOfIt) {
  std::latch done(1);
  auto executor = Executor::withThreads(1);
  auto* const borrowed = executor.get();
  borrowed->schedule(absl::ZeroDuration(), [held = std::move(executor), &done]() mutable {
    held.reset();
    done.count_down();
  });
  done.wait();
}

TEST(SharedExecutor, AnEarlierTaskOvertakesALaterOne) {
  std::atomic<bool> late = false;
  std::latch early(1);
  Background tasks(Executor::shared(), Clock::system());
  tasks.schedule(absl::Hours(1), [&] { late = true; });
  tasks.schedule(absl::Milliseconds(1), [&] { early.count_down(); });
  early.wait();
  EXPECT_FALSE(late);
}

TEST(SharedExecutor, AForkedChildHasThreadsOfItsOwn) {
  std::latch warm(1);
  const std::shared_ptr<Executor> kept = Executor::shared();
  kept->schedule(absl::ZeroDuration(), [&] { warm.count_down(); });
  warm.wait();
  EXPECT_TRUE(holdsInChild([&] {
    std::atomic<bool> ran = false;
    kept->schedule(absl::ZeroDuration(), [&] { ran = true; });
    return testing::eventually([&] { return ran.load(); });
  }));
}

TEST(SharedExecutor, TasksThatHaveNotBegunRunInTheChildToo) {
  std::atomic<bool> ran = false;
  Background tasks(Executor::shared(), Clock::system());
  tasks.schedule(absl::Milliseconds(10), [&] { ran = true; });
  EXPECT_TRUE(holdsInChild([&] { return testing::eventually([&] { return ran.load(); }); }));
  EXPECT_TRUE(testing::eventually([&] { return ran.load(); }));
}

// A child inherited mutexes that threads of its parent held, and waited for them indefinitely.
TEST(SharedExecutor, AChildFindsNothingLockedByATask) {
  std::timed_mutex mutex;
  std::atomic<bool> stop = false;
  Background tasks(Executor::shared(), Clock::system());
  std::function<void()> work = [&] {
    {
      const std::lock_guard lock(mutex);
      Clock::system().sleepFor(absl::Milliseconds(1));
    }
    if (!stop) tasks.schedule(absl::ZeroDuration(), work);
  };
  tasks.schedule(absl::ZeroDuration(), work);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(holdsInChild([&] {
      stop = true;  // the child's own task ends, and lets it go
      return mutex.try_lock_for(std::chrono::minutes(1));
    }));
  }
  stop = true;
}

TEST(Background, EndsInAChildWhoseParentRunsATask) {
  std::latch begun(1);
  std::latch let_go(1);
  const std::shared_ptr<Executor> executor = Executor::withThreads(1);
  auto tasks = std::make_unique<Background>(executor, Clock::system());
  tasks->schedule(absl::ZeroDuration(), [&] {
    begun.count_down();
    let_go.wait();
  });
  begun.wait();
  EXPECT_TRUE(holdsInChild([&] {
    tasks.reset();
    return true;
  }));
  let_go.count_down();
}

TEST(Background, TasksThatHaveNotBegunEndWithIt) {
  testing::FakeClock clock;
  const auto executor = std::make_shared<testing::FakeExecutor>(clock);
  int ran = 0;
  {
    Background tasks(executor, clock);
    tasks.schedule(absl::ZeroDuration(), [&] { ++ran; });
    executor->runDue();
    tasks.schedule(absl::ZeroDuration(), [&] { ++ran; });
  }
  executor->runDue();
  EXPECT_EQ(ran, 1);
}

TEST(Background, WaitsForATaskThatIsRunning) {
  std::latch begun(1);
  std::latch let_go(1);
  std::atomic<bool> finished = false;
  auto tasks = std::make_unique<Background>(Executor::shared(), Clock::system());
  tasks->schedule(absl::ZeroDuration(), [&] {
    begun.count_down();
    let_go.wait();
    finished = true;
  });
  begun.wait();
  std::jthread opener([&] { let_go.count_down(); });
  tasks.reset();
  EXPECT_TRUE(finished);
}

// ---- No threads ----

// `schedule` let the exception of std::thread through, and counted the thread that never came.
TEST(OwnExecutor, KeepsItsTasksUntilAThreadCanBeStarted) {
  EXPECT_TRUE(holdsWithoutThreads([](ThreadShortage& shortage) {
    std::atomic<int> ran = 0;
    const std::shared_ptr<Executor> executor = Executor::withThreads(2);
    executor->schedule(absl::ZeroDuration(), [&] { ++ran; });
    executor->schedule(absl::ZeroDuration(), [&] { ++ran; });
    const bool dropped = !executor->trySchedule(absl::ZeroDuration(), [&] { ran = 100; });
    shortage.end();
    const bool all_ran = eventually([&] {
      retryRefused();
      return ran == 2;
    });
    return dropped && all_ran;
  }));
}

// The destructor waited for the thread that had been counted and never came.
TEST(OwnExecutor, EndsWithoutHavingHadAThread) {
  EXPECT_TRUE(holdsWithoutThreads([](ThreadShortage& /*shortage*/) {
    auto executor = Executor::withThreads(1);
    executor->schedule(absl::ZeroDuration(), [] {});
    executor.reset();
    return true;
  }));
}

TEST(OwnExecutor, ALaterTaskStartsTheThreadForThoseThatWereKept) {
  EXPECT_TRUE(holdsWithoutThreads([](ThreadShortage& shortage) {
    std::atomic<int> ran = 0;
    const std::shared_ptr<Executor> executor = Executor::withThreads(1);
    executor->schedule(absl::ZeroDuration(), [&] { ++ran; });
    shortage.end();
    executor->schedule(absl::ZeroDuration(), [&] { ++ran; });
    return eventually([&] { return ran == 2; });
  }));
}

// A task that threw ended the process.
TEST(OwnExecutor, ATaskThatThrowsHarmsNoOther) {
  const std::shared_ptr<Executor> executor = Executor::withThreads(1);
  std::latch done(1);
  executor->schedule(absl::ZeroDuration(), [] { throw std::runtime_error("task"); });
  executor->schedule(absl::ZeroDuration(), [&] { done.count_down(); });
  done.wait();
}

// A task that an executor of the application's own refused was lost, and its exception went through
// whoever had scheduled it.
TEST(Background, ATaskThatIsRefusedIsOfferedAgain) {
  testing::FakeClock clock;
  const auto tasks = std::make_shared<testing::FakeExecutor>(clock);
  const auto executor = std::make_shared<RefusingExecutor>(tasks);
  int ran = 0;
  Background background(executor, clock);
  background.schedule(absl::ZeroDuration(), [&] { ++ran; });
  EXPECT_FALSE(background.trySchedule(absl::ZeroDuration(), [&] { ran = 100; }));
  EXPECT_EQ(tasks->size(), 0U);
  executor->refuses = false;
  EXPECT_TRUE(eventually([&] {
    retryRefused();
    return tasks->size() == 1;
  }));
  tasks->runDue();
  EXPECT_EQ(ran, 1);
}

// Its end waited for the task that had thrown.
TEST(Background, EndsAfterATaskThatThrew) {
  testing::FakeClock clock;
  const auto tasks = std::make_shared<testing::FakeExecutor>(clock);
  Background background(tasks, clock);
  background.schedule(absl::ZeroDuration(), [] { throw std::runtime_error("task"); });
  EXPECT_THROW(tasks->runDue(), std::runtime_error);
}

// The real clock was destroyed at the end of main, while the threads of the shared executor, which
// go on until the process is gone, were reading it: "pure virtual method called", now and then.
// What is registered to run at the end before the clock is first used runs after all that came
// later is destroyed, as those threads may.
TEST(SharedExecutorDeathTest, MayOutliveMainWithTheClockThatItReads) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto use_the_clock_last = [] {
    std::atexit([] { std::_Exit(Clock::system().now() > MonotonicTime() ? 7 : 8); });
    Metrics::none()->counter("", {}).increment();
    std::exit(Clock::system().now() > MonotonicTime() ? 0 : 1);
  };
  EXPECT_EXIT(use_the_clock_last(), ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace strata
