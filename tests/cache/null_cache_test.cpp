#include "strata/cache/null_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::Eq;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;

constexpr absl::Duration kLong = absl::Hours(1);

TEST(NullCache, AcceptsEverythingAndHoldsNothing) {
  NullCache cache;
  const std::string key = "a";
  EXPECT_OK(cache.set(key, "x", kLong));
  EXPECT_THAT(cache.get(key), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_OK(cache.remove({&key, 1}));
  EXPECT_OK(cache.ping());
}

TEST(NullCache, AnswersForEveryKey) {
  NullCache cache;
  const std::vector<std::string> keys{"a", "b", "a"};
  EXPECT_EQ(cache.getMany(keys).size(), 3U);
}

TEST(NullCache, NeverLeasesSoThatNobodyTriesToFill) {
  NullCache cache;
  const LeaseRequest request{"a", "cell"};
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, cache.getOrLease({&request, 1}, kLong).front());
  EXPECT_FALSE(reply.leased);
  EXPECT_EQ(reply.found, std::nullopt);
  const CompareAndSet fill{"a", "cell", "value", kLong, reply.incarnation};
  EXPECT_THAT(cache.compareAndSet({&fill, 1}).front(), IsOkAndHolds(false));
}

// B-15
TEST(NullCache, RefusesATimeToLiveThatIsNotPositive) {
  NullCache cache;
  const LeaseRequest request{"a", "cell"};
  const CompareAndSet fill{"a", "", "value", absl::ZeroDuration()};
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(cache.set("a", "x", absl::ZeroDuration()), StatusIs(kInvalid));
  EXPECT_THAT(cache.set("a", "x", absl::InfiniteDuration()), StatusIs(kInvalid));
  EXPECT_THAT(cache.getOrLease({&request, 1}, absl::Seconds(-1)).front(), StatusIs(kInvalid));
  EXPECT_THAT(cache.compareAndSet({&fill, 1}).front(), StatusIs(kInvalid));
}

TEST(NullCache, SaysThatThereIsNone) {
  NullCache cache;
  const Health health = cache.healthCheck();
  EXPECT_EQ(health.component, "cache");
  EXPECT_EQ(health.backend, "none");
  EXPECT_TRUE(health.healthy());
}

TEST(NullCache, IsGoodEnoughForEveryConsistencyLevel) {
  const NullCache cache;
  EXPECT_TRUE(cache.capabilities().fenced_reads);
  EXPECT_TRUE(cache.capabilities().incarnation);
  EXPECT_NE(cache.incarnation(), Incarnation{});
}

}  // namespace
}  // namespace strata
