// What an ExecutionStore keeps to while many call it at once, from two processes.
#pragma once

#include <atomic>
#include <barrier>
#include <set>
#include <thread>

#include "tests/stores/conversations/execution/execution_store_fixture.h"

namespace strata {

class ConcurrentExecutionStores : public ExecutionStoreSuite {
 protected:
  static constexpr int kThreads = 8;

  // Calls it in each thread, with the store of one of two backends.
  void inEachThread(const std::function<void(int thread, ExecutionStore& store)>& call) {
    const Backends others = GetParam().connect(clock_);
    const auto other_store = createExecutionStore(others).value();
    std::barrier start(kThreads);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        start.arrive_and_wait();
        call(thread, thread % 2 == 0 ? *store_ : *other_store);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
};

// B-11
TEST_P(ConcurrentExecutionStores, CreateOneForAPathAmongThemAll) {
  for (int round = 0; round < 10; ++round) {
    std::atomic<int> created{0};
    std::vector<std::string> ids(kThreads);
    inEachThread([&](int thread, ExecutionStore& store) {
      const auto made = store.createContext(onPath(path_, absl::Minutes(1)));
      ASSERT_THAT(made, IsOk());
      if (made->created) ++created;
      ids[static_cast<std::size_t>(thread)] = made->context.id;
    });
    EXPECT_EQ(created, 1);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1U);
    EXPECT_EQ(liveOn(path_), ids[0]);
    clock_.advance(absl::Minutes(1));  // the next ones find one that has expired
  }
}

TEST_P(ConcurrentExecutionStores, ReplaceUseAndEndOneAnotherWithoutDeadlock) {
  std::atomic<int> terminated{0};
  inEachThread([&](int thread, ExecutionStore& store) {
    for (int i = 0; i < 25; ++i) {
      const auto made = store.createContext(onPath(thread < 4 ? path_ : branch_));
      ASSERT_THAT(made, IsOk());
      const std::string& id = made->context.id;
      const absl::Status touched = store.touchContext(tenant_, id).status();
      EXPECT_TRUE(touched.ok() || absl::IsNotFound(touched)) << touched;
      const auto updated = store.updateStatus(tenant_, id, {.status = SandboxStatus::kTerminated});
      if (updated.ok()) ++terminated;
      EXPECT_TRUE(updated.ok() || absl::IsFailedPrecondition(updated.status())) << updated.status();
    }
  });
  EXPECT_EQ(liveOn(path_), std::nullopt);
  EXPECT_EQ(liveOn(branch_), std::nullopt);
  EXPECT_THAT(store_->purgeTerminated(tenant_, absl::ZeroDuration(), 1000),
              IsOkAndHolds(terminated.load()))
      << "each was terminated by exactly one";
}

TEST_P(ConcurrentExecutionStores, PurgeEachOnce) {
  constexpr int kRows = 40;
  for (int i = 0; i < kRows; ++i) {
    ASSERT_THAT(store_->terminateContext(tenant_, create().id), IsOk());
  }
  std::atomic<std::int64_t> removed{0};
  inEachThread([&](int, ExecutionStore& store) {
    for (int i = 0; i < kRows && removed < kRows; ++i) {
      const auto some = store.purgeTerminated(tenant_, absl::ZeroDuration(), 3);
      ASSERT_THAT(some, IsOk());
      removed += *some;
    }
  });
  EXPECT_EQ(removed, kRows);
}

}  // namespace strata
