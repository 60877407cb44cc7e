#include "strata/testing/fakes/fake_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using testing::FakeCache;
using testing::FakeClock;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Optional;
using testing::StatusIs;
using Operation = FakeCache::Operation;

constexpr absl::Duration kLong = absl::Hours(1);
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

class FakeCacheTest : public ::testing::Test {
 protected:
  absl::StatusOr<LeaseReply> lease(const std::string& key) {
    const LeaseRequest request{key, "L"};
    return cache_.getOrLease({&request, 1}, kLong).front();
  }
  absl::StatusOr<bool> fill(const std::string& key, Incarnation incarnation = {}) {
    const CompareAndSet request{key, "L", "value", kLong, incarnation};
    return cache_.compareAndSet({&request, 1}).front();
  }
  absl::Status remove(const std::string& key) { return cache_.remove({&key, 1}); }

  FakeClock clock_;
  FakeCache cache_{clock_};
};

TEST_F(FakeCacheTest, AnswersUnavailableWhileItIsDownAndKeepsItsContent) {
  ASSERT_OK(cache_.set("a", "x", kLong));
  cache_.setDown(true);
  EXPECT_THAT(cache_.get("a"), StatusIs(kUnavailable));
  EXPECT_THAT(cache_.set("a", "y", kLong), StatusIs(kUnavailable));
  EXPECT_THAT(remove("a"), StatusIs(kUnavailable));
  EXPECT_THAT(lease("a"), StatusIs(kUnavailable));
  EXPECT_THAT(fill("a"), StatusIs(kUnavailable));
  EXPECT_THAT(cache_.ping(), StatusIs(kUnavailable));
  EXPECT_EQ(cache_.healthCheck().state, HealthState::kFail);
  EXPECT_THAT(cache_.peek("a"), Optional(std::string("x")));
  cache_.setDown(false);
  EXPECT_THAT(cache_.get("a"), IsOkAndHolds(Optional(std::string("x"))));
}

TEST_F(FakeCacheTest, CountsCallsUpOrDown) {
  ASSERT_OK(cache_.getMany(std::vector<std::string>{"a", "b"}).front());
  ASSERT_OK(lease("a"));
  cache_.setDown(true);
  EXPECT_THAT(lease("a"), StatusIs(kUnavailable));
  EXPECT_EQ(cache_.calls(Operation::kGetMany), 1);
  EXPECT_EQ(cache_.calls(Operation::kGetOrLease), 2);
  EXPECT_EQ(cache_.calls(Operation::kRemove), 0);
  EXPECT_EQ(cache_.calls(), 3);
  cache_.resetCalls();
  EXPECT_EQ(cache_.calls(), 0);
}

TEST_F(FakeCacheTest, RunsAHookOnceBeforeOrAfterTheOperationOnItsKey) {
  std::vector<std::string> events;
  const auto note = [&](std::string event) {
    return [&events, this, event = std::move(event)] {
      events.push_back(event + (cache_.peek("a") ? " present" : " absent"));
    };
  };
  cache_.before(Operation::kSet, "a", note("before"));
  cache_.after(Operation::kSet, "a", note("after"));
  ASSERT_OK(cache_.set("b", "x", kLong));
  ASSERT_OK(remove("a"));
  EXPECT_THAT(events, ElementsAre());
  ASSERT_OK(cache_.set("a", "x", kLong));
  ASSERT_OK(cache_.set("a", "x", kLong));
  EXPECT_THAT(events, ElementsAre("before absent", "after present"));
}

TEST_F(FakeCacheTest, AHookCanInterleaveAWriteBetweenALeaseAndItsFill) {
  ASSERT_OK(lease("a"));
  cache_.before(Operation::kCompareAndSet, "a", [&] { ASSERT_OK(remove("a")); });
  EXPECT_THAT(fill("a"), IsOkAndHolds(false));
  EXPECT_EQ(cache_.peek("a"), std::nullopt);
}

TEST_F(FakeCacheTest, AfterANewLifeTheContentIsThereAndOldFillsAreRefused) {
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease("a"));
  EXPECT_EQ(reply.incarnation, cache_.incarnation());
  cache_.changeIncarnation();
  EXPECT_NE(reply.incarnation, cache_.incarnation());
  EXPECT_THAT(fill("a", reply.incarnation), IsOkAndHolds(false));
  EXPECT_THAT(cache_.peek("a"), Optional(std::string("L")));
  EXPECT_THAT(fill("a", cache_.incarnation()), IsOkAndHolds(true));
}

TEST_F(FakeCacheTest, LosesARemovalOrOnlyItsReply) {
  ASSERT_OK(cache_.set("a", "x", kLong));
  cache_.loseNextRemove(FakeCache::Lost::kRequest);
  EXPECT_THAT(remove("a"), StatusIs(kUnavailable));
  EXPECT_THAT(cache_.peek("a"), Optional(std::string("x")));

  cache_.loseNextRemove(FakeCache::Lost::kReply);
  EXPECT_THAT(remove("a"), StatusIs(kUnavailable));
  EXPECT_EQ(cache_.peek("a"), std::nullopt);

  EXPECT_OK(remove("a"));
}

TEST_F(FakeCacheTest, ShowsAndChangesWhatIsStored) {
  cache_.plant("a", "garbage", absl::Seconds(5));
  clock_.advance(absl::Seconds(2));
  EXPECT_THAT(cache_.storedTtl("a"), Optional(absl::Seconds(3)));
  EXPECT_THAT(cache_.get("a"), IsOkAndHolds(Optional(std::string("garbage"))));
  cache_.erase("a");
  EXPECT_EQ(cache_.storedTtl("a"), std::nullopt);
  EXPECT_EQ(cache_.calls(Operation::kSet), 0);
}

}  // namespace
}  // namespace strata
