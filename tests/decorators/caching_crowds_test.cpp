// CachingStore: what the callers of one process share that wait for one key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "strata/base/executor.h"
#include "strata/decorators/caching_store.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "tests/decorators/gated_store.h"

namespace strata::gated {
namespace {

using ::testing::Each;
using testing::IsOk;
using testing::StatusIs;

class CachingCrowdsTest : public ::testing::Test {
 protected:
  CachingCrowdsTest() { makeStore({.app = "app"}, Executor::shared()); }

  void makeStore(const CachingOptions& options, std::shared_ptr<Executor> executor) {
    auto below = std::make_unique<GatedStore>(clock_);
    below_ = below.get();
    store_ = *CachingStore<Note>::create(std::move(below), cache_, options, Metrics::none(), clock_,
                                         std::move(executor));
  }

  Found get(Deadline deadline = {}) { return store_->get("a", {.deadline = deadline}); }

  WaitingClock clock_;
  // Stands still.
  testing::FakeClock time_of_cache_;
  std::shared_ptr<testing::FakeCache> cache_ = std::make_shared<testing::FakeCache>(time_of_cache_);
  GatedStore* below_ = nullptr;
  std::unique_ptr<Store<Note>> store_;
};

// B-44
TEST_F(CachingCrowdsTest, WhenTheLoadFailsOneOfThoseWhoWaitedAsksForAll) {
  constexpr std::size_t kFollowers = 3;
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  below_->fail("a", absl::UnavailableError("the database is down"));
  below_->close();
  Crowd<Found> holder(below_, 1, [&](std::size_t) { return get(); });
  ASSERT_TRUE(below_->awaitCalls(1));
  below_->heal();
  Crowd<Found> followers(below_, kFollowers, [&](std::size_t) { return get(); });
  ASSERT_TRUE(clock_.awaitWaiting(kFollowers));
  below_->open();
  EXPECT_THAT(holder.result(), StatusIs(absl::StatusCode::kUnavailable));
  for (const Found& found : followers.results()) {
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ((*found)->text, "one");
  }
  EXPECT_EQ(below_->calls().size(), 2U);
  EXPECT_NE(cache_->peek("app:notes:note:a")->front(), 'V') << "the fill has to be refused";
}

// Any DeadlineExceeded was taken for the leader's own deadline, so where the database ended the
// queries by a limit of its own the crowd made them one after the other: the last of 100 callers
// waited for 50 of them.
TEST_F(CachingCrowdsTest, ATimeLimitOfTheBackingStoreIsTheAnswerOfAll) {
  constexpr std::size_t kFollowers = 31;
  below_->fail("a", absl::DeadlineExceededError("statement_timeout"));
  below_->close();
  Crowd<Found> holder(below_, 1, [&](std::size_t) { return get(); });
  ASSERT_TRUE(below_->awaitCalls(1));
  Crowd<Found> followers(below_, kFollowers,
                         [&](std::size_t) { return get(Deadline::in(absl::Minutes(1), clock_)); });
  ASSERT_TRUE(clock_.awaitWaiting(kFollowers));
  below_->open();
  EXPECT_THAT(followers.results(), Each(StatusIs(absl::StatusCode::kDeadlineExceeded)));
  EXPECT_EQ(below_->calls().size(), 2U) << "of the holder of the lease, and of all who waited";
}

// The same of any task: an application may read on the threads that it lends to Strata.
TEST_F(CachingCrowdsTest, AReaderOnTheOnlyThreadSendsTheFillThatIsQueuedBehindIt) {
  const auto executor = Executor::withThreads(1);
  makeStore({.app = "app", .max_queued_fills = 10}, executor);
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  below_->close();
  Crowd<Found> holder(below_, 1, [&](std::size_t) { return get(); });
  ASSERT_TRUE(below_->awaitCalls(1));
  std::atomic<bool> is_done = false;
  executor->schedule(absl::ZeroDuration(), [&] {
    EXPECT_THAT(get(Deadline::in(absl::Minutes(1), clock_)), IsOk());
    is_done = true;
  });
  ASSERT_TRUE(clock_.awaitWaiting(1));
  below_->open();
  EXPECT_TRUE(testing::eventually([&] { return is_done.load(); }));
  clock_.advance(absl::Seconds(3));  // ends what still waits
  EXPECT_TRUE(testing::eventually([&] { return is_done.load(); }));
  EXPECT_THAT(holder.result(), IsOk());
  EXPECT_EQ(below_->calls().size(), 1U);
}

TEST_F(CachingCrowdsTest, TheDeadlineOfTheOneWhoLoadsIsItsOwnAlone) {
  constexpr std::size_t kFollowers = 8;
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  below_->fail("a", absl::UnavailableError("the database is down"));
  below_->close();
  Crowd<Found> holder(below_, 1, [&](std::size_t) { return get(); });
  ASSERT_TRUE(below_->awaitCalls(1));
  below_->heal();
  Crowd<Found> hurried(
      below_, 1, [&](std::size_t) { return get(Deadline::in(absl::Milliseconds(100), clock_)); });
  ASSERT_TRUE(clock_.awaitWaiting(1));
  Crowd<Found> followers(below_, kFollowers, [&](std::size_t) { return get(); });
  ASSERT_TRUE(clock_.awaitWaiting(1 + kFollowers));
  below_->letThrough(1);
  ASSERT_TRUE(below_->awaitCalls(2));
  ASSERT_TRUE(clock_.awaitWaiting(kFollowers));
  clock_.advance(absl::Milliseconds(100));
  EXPECT_THAT(hurried.result(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  below_->open();
  EXPECT_THAT(followers.results(), Each(IsOk()));
}

}  // namespace
}  // namespace strata::gated
