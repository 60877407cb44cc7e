// How the cached copies of a user are deleted together, and what happens where a cache fails at it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "strata/cache/guarded_cache.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::FakeCache;
using testing::FakeClock;
using testing::FakeExecutor;
using testing::IsOk;
using Operation = FakeCache::Operation;

class ClarifyInvalidation : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(stores_.users->put({.id = "ada", .name = "Ada"}), IsOk());
    readAll();
    cache_->resetCalls();
  }

  Backends backends() {
    Backends made = *connect(
        {},
        {.metrics = metrics_, .clock = &clock_, .memory = std::make_shared<InMemoryDatabase>()});
    made.executor = executor_;
    made.cache = *GuardedCache::create(cache_, {}, metrics_, clock_, executor_);
    return made;
  }
  // Of all five sources; each is cached then, where it can be.
  void readAll() {
    EXPECT_THAT(stores_.sources.user->get("ada"), IsOk());
    EXPECT_THAT(stores_.sources.dreams->get("ada"), IsOk());
    EXPECT_THAT(stores_.sources.patterns->get("ada"), IsOk());
    EXPECT_THAT(stores_.sources.sessions->get("ada"), IsOk());
    EXPECT_THAT(stores_.sources.reflections->get("ada"), IsOk());
  }
  int cached() const {
    int count = 0;
    for (const char* part : {"user", "dreams", "patterns", "sessions", "reflections"}) {
      count += cache_->peek(std::string("copilot:ctx:") + part + ":ada") ? 1 : 0;
    }
    return count;
  }
  std::int64_t deletes(const char* result) const {
    return metrics_->count("strata_cache_deletes_total", {{"result", result}});
  }
  std::int64_t removals() const { return cache_->calls(Operation::kRemove); }

  FakeClock clock_;
  const std::shared_ptr<FakeExecutor> executor_ = std::make_shared<FakeExecutor>(clock_);
  const std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  const std::shared_ptr<FakeCache> cache_ = std::make_shared<FakeCache>(clock_);
  const Backends backends_ = backends();
  const ClarifyStores stores_ = *createClarifyStores(backends_);
};

// Each of the five copies was deleted by a call of its own, one after the other.
TEST_F(ClarifyInvalidation, AUsersContextIsOneCallOfTheCache) {
  ASSERT_EQ(cached(), 5);
  const std::int64_t before = deletes("ok");
  ASSERT_THAT(stores_.invalidateUserContext("ada"), IsOk());
  EXPECT_EQ(removals(), 1);
  EXPECT_EQ(cached(), 0);
  EXPECT_EQ(deletes("ok") - before, 5) << "one for each store";
}

TEST_F(ClarifyInvalidation, TheRemovalOfAUserIsOneCallOfTheCache) {
  ASSERT_THAT(stores_.users->remove("ada"), IsOk());
  EXPECT_EQ(removals(), 1);
  EXPECT_EQ(cached(), 0);
}

TEST_F(ClarifyInvalidation, TheRemovalOfAUserInAUnitIsOneCallAfterItsCommit) {
  const auto unit = *beginUnitOfWork(backends_);
  ASSERT_THAT(stores_.users->remove("ada", {.unit = unit.get()}), IsOk());
  EXPECT_EQ(removals(), 0);
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(removals(), 1);
  EXPECT_EQ(cached(), 0);
}

TEST_F(ClarifyInvalidation, AWriteOfTwoPartsIsOneCallOfTheCache) {
  ASSERT_THAT(stores_.sessions->create({.user_id = "ada"}), IsOk());
  EXPECT_EQ(removals(), 1);
  EXPECT_EQ(cached(), 3);
}

// The call has no error: what is pending is read past and deleted in the background.
TEST_F(ClarifyInvalidation, ALostRequestLeavesAllFivePendingUntilTheRetry) {
  cache_->loseNextRemove(FakeCache::Lost::kRequest);
  ASSERT_THAT(stores_.invalidateUserContext("ada"), IsOk());
  EXPECT_EQ(cached(), 5);
  EXPECT_EQ(backends_.cache->pendingDeletes(), 5);
  EXPECT_EQ(deletes("pending"), 5);
  const std::int64_t hits = metrics_->count("strata_cache_hits_total");
  readAll();
  EXPECT_EQ(metrics_->count("strata_cache_hits_total"), hits) << "an old copy was read";
  executor_->advance(absl::Seconds(1));
  EXPECT_EQ(backends_.cache->pendingDeletes(), 0);
  EXPECT_EQ(cached(), 0);
  EXPECT_EQ(removals(), 2) << "the retry is one call too";
}

TEST_F(ClarifyInvalidation, ALostReplyIsRetriedToo) {
  cache_->loseNextRemove(FakeCache::Lost::kReply);
  ASSERT_THAT(stores_.users->remove("ada"), IsOk());
  EXPECT_EQ(backends_.cache->pendingDeletes(), 5);
  executor_->advance(absl::Seconds(1));
  EXPECT_EQ(backends_.cache->pendingDeletes(), 0);
  EXPECT_EQ(removals(), 2);
}

}  // namespace
}  // namespace strata
