#include "src/cache/pending_deletes.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

using testing::FakeCache;
using testing::IsOk;

class PendingDeletesTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  std::shared_ptr<testing::FakeExecutor> executor_ =
      std::make_shared<testing::FakeExecutor>(clock_);
  FakeCache cache_{clock_};
  InMemoryMetrics metrics_;
  bool may_retry_ = true;
  PendingDeletes pending_{cache_,
                          {.max_keys = 3, .may_retry = [this] { return may_retry_; }},
                          metrics_,
                          clock_,
                          executor_};
};

TEST_F(PendingDeletesTest, CoversAKeyUntilItsDeletionHasSucceeded) {
  cache_.setDown(true);
  cache_.plant("a", "old");
  pending_.add({"a"});
  EXPECT_TRUE(pending_.covers("a"));
  EXPECT_FALSE(pending_.covers("b"));
  executor_->advance(absl::Minutes(1));
  EXPECT_TRUE(pending_.covers("a"));
  EXPECT_EQ(metrics_.level("strata_pending_deletes"), 1);
  EXPECT_GE(metrics_.level("strata_pending_deletes_oldest_seconds"), 58);
  cache_.setDown(false);
  executor_->advance(absl::Seconds(1));
  EXPECT_FALSE(pending_.covers("a"));
  EXPECT_EQ(cache_.peek("a"), std::nullopt);
  EXPECT_EQ(metrics_.level("strata_pending_deletes"), 0);
  EXPECT_EQ(executor_->size(), 0U) << "nothing is pending, so nothing is scheduled";
}

TEST_F(PendingDeletesTest, RetriesAfterFiftyMillisecondsAndThenUpToASecondApart) {
  cache_.setDown(true);
  pending_.add({"a"});
  executor_->advance(absl::Milliseconds(49));
  EXPECT_EQ(cache_.calls(), 0);
  executor_->advance(absl::Milliseconds(1));
  EXPECT_EQ(cache_.calls(), 1);
  executor_->advance(absl::Seconds(60));
  EXPECT_GE(cache_.calls(), 60);
  EXPECT_LE(cache_.calls(), 66);
}

// A retry that was under way when a later write's deletion failed has deleted too early for it.
TEST_F(PendingDeletesTest, DoesNotForgetAKeyThatFailedAgainDuringItsRetry) {
  cache_.after(FakeCache::Operation::kRemove, "a", [&] {
    cache_.plant("a", "filled by another process meanwhile");
    pending_.add({"a"});
  });
  pending_.add({"a"});
  EXPECT_THAT(pending_.drain(), IsOk());
  EXPECT_FALSE(pending_.covers("a")) << "a drain goes on until nothing is due";
  EXPECT_EQ(cache_.peek("a"), std::nullopt);
  EXPECT_EQ(cache_.calls(FakeCache::Operation::kRemove), 2);
}

// The deletion of 256 keys was one call, and where it failed for one of them none was cleared; the
// next attempt began with the same keys.
TEST_F(PendingDeletesTest, AKeyThatCannotBeDeletedHoldsUpNoOther) {
  PendingDeletes pending(cache_, {}, metrics_, clock_, executor_);
  std::vector<std::string> keys;
  for (int i = 0; i < 600; ++i) {
    keys.push_back("key" + std::to_string(i));
    cache_.plant(keys.back(), "old");
  }
  cache_.setDownFor({"key7", "key300"});
  pending.add(keys);
  EXPECT_THAT(pending.drain(), testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(cache_.calls(FakeCache::Operation::kRemove), 3) << "each key is tried once";
  EXPECT_EQ(pending.size(), 2U);
  EXPECT_TRUE(pending.covers("key7"));
  EXPECT_FALSE(pending.covers("key8"));
  EXPECT_EQ(cache_.peek("key8"), std::nullopt);
  EXPECT_EQ(cache_.peek("key300"), "old");
  executor_->advance(absl::Minutes(1));
  EXPECT_LE(cache_.calls(FakeCache::Operation::kRemove), 3 + 66) << "up to a second apart";
  cache_.setDownFor({});
  executor_->advance(absl::Seconds(1));
  EXPECT_EQ(pending.size(), 0U);
  EXPECT_EQ(executor_->size(), 0U);
}

TEST_F(PendingDeletesTest, ACacheThatDeletesNothingIsAskedOnceAndNotForEveryKey) {
  PendingDeletes pending(cache_, {}, metrics_, clock_, executor_);
  std::vector<std::string> keys;
  for (int i = 0; i < 600; ++i) keys.push_back("key" + std::to_string(i));
  pending.add(keys);
  cache_.setDown(true);
  EXPECT_THAT(pending.drain(), testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(cache_.calls(), 1);
  EXPECT_EQ(pending.size(), 600U);
}

TEST_F(PendingDeletesTest, LeavesTheCacheAloneWhileARetryIsOfNoUse) {
  may_retry_ = false;
  pending_.add({"a"});
  executor_->advance(absl::Minutes(1));
  EXPECT_EQ(cache_.calls(), 0);
  EXPECT_TRUE(pending_.covers("a"));
  may_retry_ = true;
  executor_->advance(absl::Seconds(1));
  EXPECT_FALSE(pending_.covers("a"));
}

// Race 22. B-54
TEST_F(PendingDeletesTest, DeletesAgainForHalfAMinuteWhereTheWriteMayStillComeToPass) {
  pending_.addUncertain({"a"});
  std::vector<int> deleted_at;
  for (int second = 0; second <= 40; ++second) {
    cache_.plant("a", "filled from before the commit");
    executor_->advance(absl::Seconds(1));
    if (cache_.peek("a") == std::nullopt) deleted_at.push_back(second + 1);
    EXPECT_EQ(pending_.covers("a"), second < 30) << second;
  }
  EXPECT_EQ(deleted_at.size(), 4U) << "at once, and after 1, 5 and 30 s";
  EXPECT_EQ(executor_->size(), 0U);
}

TEST_F(PendingDeletesTest, MovesTheEpochWhenThereAreTooManyToRemember) {
  cache_.setDown(true);
  pending_.add({"a", "b", "c"});
  EXPECT_FALSE(pending_.covers("d"));
  pending_.add({"d", "a"});
  EXPECT_EQ(pending_.size(), 3U);
  EXPECT_TRUE(pending_.covers("what nobody deleted")) << "d could be anything";
  EXPECT_EQ(metrics_.count("strata_pending_deletes_forgotten_total"), 1);
  EXPECT_EQ(pending_.epoch(), 0U);
  cache_.setDown(false);
  EXPECT_THAT(pending_.drain(), IsOk());
  EXPECT_EQ(pending_.epoch(), 1U);
  EXPECT_FALSE(pending_.covers("what nobody deleted"));
  EXPECT_FALSE(pending_.covers("a"));
}

// A key that did not fit was covered until the epoch had moved, once, also where the write before the
// deletion was one that may still come to pass. What was filled after that from the row as it was
// before the commit was believed.
// Race 22. B-54
TEST_F(PendingDeletesTest, CoversWhatDoesNotFitForHalfAMinuteWhereTheWriteMayStillComeToPass) {
  pending_.addUncertain({"a", "b", "c", "does not fit"});
  std::vector<int> moved_at;
  for (int second = 0; second <= 40; ++second) {
    const std::uint64_t before = pending_.epoch();
    executor_->advance(absl::Seconds(1));
    if (pending_.epoch() != before) moved_at.push_back(second + 1);
    EXPECT_EQ(pending_.covers("does not fit"), second < 30) << second;
  }
  EXPECT_EQ(moved_at.size(), 4U) << "at once, and after 1, 5 and 30 s";
  EXPECT_EQ(executor_->size(), 0U);
}

// The deletion of a later write, which succeeded at its first retry, ended the half minute of an
// earlier write of unknown outcome.
TEST_F(PendingDeletesTest, ALaterFailureDoesNotEndTheHalfMinute) {
  const auto seconds_covered = [this](std::string_view key) {
    int seconds = 0;
    for (; pending_.covers(key); ++seconds) executor_->advance(absl::Seconds(1));
    return seconds;
  };
  pending_.addUncertain({"a"});
  executor_->advance(absl::Seconds(20));
  cache_.plant("a", "filled meanwhile");
  pending_.add({"a"});
  executor_->advance(absl::Seconds(1));
  EXPECT_EQ(cache_.peek("a"), std::nullopt);
  EXPECT_EQ(seconds_covered("a"), 10);

  pending_.addUncertain({"a", "b", "c", "first that does not fit"});
  executor_->advance(absl::Seconds(20));
  const std::uint64_t before = pending_.epoch();
  pending_.add({"second"});
  executor_->advance(absl::Seconds(1));
  EXPECT_EQ(pending_.epoch(), before + 1);
  EXPECT_EQ(seconds_covered("anything"), 10);
  pending_.addUncertain({"a", "b", "c", "third"});
  executor_->advance(absl::Seconds(20));
  pending_.addUncertain({"fourth"});
  EXPECT_EQ(seconds_covered("anything"), 31);
}

TEST_F(PendingDeletesTest, AnEpochIsNewerThanEveryOtherProcessesAndThanAnyThatWasMet) {
  PendingDeletes other(cache_, {.max_keys = 1}, metrics_, clock_, executor_);
  const auto overflow = [](PendingDeletes& pending) {
    pending.add({"1", "2", "3", "4", "5"});
    EXPECT_THAT(pending.drain(), IsOk());
    return pending.epoch();
  };
  EXPECT_EQ(overflow(pending_), 1U);
  EXPECT_EQ(overflow(other), 2U);
  EXPECT_EQ(overflow(pending_), 3U);
  pending_.noteEpoch(17);
  pending_.noteEpoch(5);
  EXPECT_EQ(pending_.epoch(), 17U);
  EXPECT_EQ(overflow(pending_), 18U);
  EXPECT_EQ(overflow(other), 19U);
  cache_.plant("strata:epoch", "what is no number");
  EXPECT_EQ(overflow(other), 20U);
}

// Two processes take the next epoch at the same time.
TEST_F(PendingDeletesTest, NoTwoProcessesGetTheSameEpoch) {
  pending_.add({"1", "2", "3", "4"});
  cache_.before(FakeCache::Operation::kCompareAndSet, "strata:epoch",
                [&] { cache_.plant("strata:epoch", "00000000000000000007"); });
  cache_.plant("strata:epoch", "00000000000000000006");
  EXPECT_THAT(pending_.drain(), IsOk());
  EXPECT_EQ(pending_.epoch(), 8U);
}

}  // namespace
}  // namespace strata::internal
