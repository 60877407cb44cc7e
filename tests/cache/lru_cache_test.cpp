#include "strata/cache/lru_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/colliding_ids.h"

namespace strata {
namespace {

using ::testing::Eq;
using testing::FakeClock;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Ne;
using ::testing::Optional;
using testing::StatusIs;

constexpr absl::Duration kLong = absl::Hours(1);

// Room for `entries` of one byte of key and `value_bytes` of value.
constexpr std::size_t roomFor(std::size_t entries, std::size_t value_bytes) {
  return entries * (1 + value_bytes + LruCache::kEntryOverheadBytes);
}

class LruCacheTest : public ::testing::Test {
 protected:
  bool holds(LruCache& cache, const std::string& key) { return cache.peek(key).has_value(); }

  FakeClock clock_;
};

TEST_F(LruCacheTest, DropsWhatWasNotUsedForLongestWhenItIsFull) {
  LruCache cache({.max_bytes = roomFor(3, 10), .shards = 1}, clock_);
  const std::string value(10, 'x');
  for (const char* key : {"a", "b", "c"}) ASSERT_OK(cache.set(key, value, kLong));
  EXPECT_THAT(cache.get("a"), IsOkAndHolds(Ne(std::nullopt)));
  ASSERT_OK(cache.set("d", value, kLong));
  EXPECT_TRUE(holds(cache, "a"));
  EXPECT_FALSE(holds(cache, "b"));
  EXPECT_TRUE(holds(cache, "c"));
  EXPECT_EQ(cache.stats().evictions, 1U);
}

// B-94
TEST_F(LruCacheTest, HoldsNoMoreEntriesThanItMay) {
  LruCache cache({.max_entries = 3, .shards = 1}, clock_);
  for (const char* key : {"a", "b", "c"}) EXPECT_OK(cache.set(key, "x", absl::Hours(1)));
  EXPECT_EQ(cache.stats().entries, 3U);
  EXPECT_OK(cache.get("a"));
  EXPECT_OK(cache.set("d", "x", absl::Hours(1)));
  EXPECT_OK(cache.set("d", "again", absl::Hours(1)));
  EXPECT_EQ(cache.stats().entries, 3U);
  EXPECT_FALSE(cache.peek("b"));
  EXPECT_TRUE(cache.peek("a") && cache.peek("c") && cache.peek("d"));
  LruCache sharded({.max_entries = 10, .shards = 16}, clock_);
  for (int i = 0; i < 1000; ++i) EXPECT_OK(sharded.set(std::to_string(i), "x", absl::Hours(1)));
  EXPECT_EQ(sharded.stats().entries, 10U);
  sharded.clear();
  EXPECT_EQ(sharded.stats().entries, 0U);
  EXPECT_EQ(sharded.stats().bytes, 0U);
}

TEST_F(LruCacheTest, ALeaseAndAFillAreUsesToo) {
  LruCache cache({.max_bytes = roomFor(2, 10), .shards = 1}, clock_);
  const std::string value(10, 'x');
  ASSERT_OK(cache.set("a", value, kLong));
  ASSERT_OK(cache.set("b", value, kLong));
  const LeaseRequest request{"a", value};
  ASSERT_OK(cache.getOrLease({&request, 1}, kLong).front());
  ASSERT_OK(cache.set("c", value, kLong));
  EXPECT_TRUE(holds(cache, "a"));
  const CompareAndSet fill{"a", "x", value, kLong};
  EXPECT_THAT(cache.compareAndSet({&fill, 1}).front(), IsOkAndHolds(true));
  ASSERT_OK(cache.set("d", value, kLong));
  EXPECT_TRUE(holds(cache, "a"));
  EXPECT_FALSE(holds(cache, "c"));
}

TEST_F(LruCacheTest, DropsTheExpiredBeforeTheLiving) {
  LruCache cache({.max_bytes = roomFor(3, 10), .shards = 1}, clock_);
  const std::string value(10, 'x');
  ASSERT_OK(cache.set("a", value, kLong));
  ASSERT_OK(cache.set("b", value, absl::Seconds(1)));
  ASSERT_OK(cache.set("c", value, kLong));
  clock_.advance(absl::Seconds(1));
  ASSERT_OK(cache.set("d", value, kLong));
  EXPECT_TRUE(holds(cache, "a"));
  EXPECT_EQ(cache.stats().evictions, 0U);
}

TEST_F(LruCacheTest, ReclaimsTheBytesOfWhatHasExpired) {
  LruCache cache({.shards = 4}, clock_);
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(cache.set(std::to_string(i), "value", absl::Seconds(i < 60 ? 1 : 10)));
  }
  EXPECT_EQ(cache.stats().entries, 100U);
  clock_.advance(absl::Seconds(1));
  EXPECT_EQ(cache.stats().entries, 40U);
  clock_.advance(absl::Seconds(9));
  EXPECT_EQ(cache.stats().entries, 0U);
  EXPECT_EQ(cache.stats().bytes, 0U);
  EXPECT_EQ(cache.stats().evictions, 0U);
}

TEST_F(LruCacheTest, CountsTheBytesOfWhatItHolds) {
  LruCache cache({.shards = 1}, clock_);
  ASSERT_OK(cache.set("a", "1234", kLong));
  EXPECT_EQ(cache.stats().bytes, roomFor(1, 4));
  ASSERT_OK(cache.set("a", "12", kLong));
  EXPECT_EQ(cache.stats().bytes, roomFor(1, 2));
  EXPECT_EQ(cache.stats().entries, 1U);
  const std::string key = "a";
  ASSERT_OK(cache.remove({&key, 1}));
  EXPECT_EQ(cache.stats().bytes, 0U);
}

TEST_F(LruCacheTest, RefusesAnEntryThatNoShardCanHoldAndKeepsWhatIsThere) {
  LruCache cache({.max_bytes = roomFor(1, 10), .shards = 1}, clock_);
  const std::string big(11, 'x');
  ASSERT_OK(cache.set("a", "small", kLong));
  EXPECT_THAT(cache.set("a", big, kLong), StatusIs(absl::StatusCode::kResourceExhausted));
  const CompareAndSet fill{"a", "small", big, kLong};
  EXPECT_THAT(cache.compareAndSet({&fill, 1}).front(),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(cache.get("a"), IsOkAndHolds(Optional(std::string("small"))));

  const LeaseRequest request{"b", big};
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, cache.getOrLease({&request, 1}, kLong).front());
  EXPECT_FALSE(reply.leased);
  EXPECT_EQ(reply.found, std::nullopt);
}

TEST_F(LruCacheTest, PeekingIsNoUse) {
  LruCache cache({.max_bytes = roomFor(2, 1), .shards = 1}, clock_);
  ASSERT_OK(cache.set("a", "1", absl::Seconds(10)));
  ASSERT_OK(cache.set("b", "2", kLong));
  clock_.advance(absl::Seconds(4));
  const auto entry = cache.peek("a");
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->value, "1");
  EXPECT_EQ(entry->ttl, absl::Seconds(6));
  ASSERT_OK(cache.set("c", "3", kLong));
  EXPECT_FALSE(holds(cache, "a"));
}

TEST_F(LruCacheTest, ItsIncarnationIsItsOwnAndStays) {
  LruCache cache({}, clock_);
  LruCache other({}, clock_);
  EXPECT_NE(cache.incarnation(), Incarnation{});
  EXPECT_NE(cache.incarnation(), other.incarnation());
  EXPECT_EQ(cache.incarnation(), cache.incarnation());
}

TEST_F(LruCacheTest, SaysThatItIsInMemory) {
  LruCache cache({}, clock_);
  EXPECT_EQ(cache.healthCheck().backend, "in-memory");
}

TEST_F(LruCacheTest, MeasuresDeadlinesOnItsClock) {
  LruCache cache({}, clock_);
  const Deadline deadline = Deadline::in(absl::Seconds(1), clock_);
  EXPECT_OK(cache.set("a", "1", kLong, deadline));
  clock_.advance(absl::Seconds(1));
  EXPECT_THAT(cache.get("a", deadline), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

// B-11
TEST_F(LruCacheTest, HoldsItsBoundWhileThreadsFightOverIt) {
  constexpr std::size_t kMaxBytes = 64 * 1024;
  LruCache cache({.max_bytes = kMaxBytes, .shards = 4});
  std::atomic<int> wrong = 0;
  const auto run = [&](int thread) {
    for (int i = 0; i < 2000; ++i) {
      const std::string key = std::to_string((i * 7 + thread) % 300);
      if (!cache.set(key, std::string(static_cast<std::size_t>(i % 500), 'x'), kLong).ok()) ++wrong;
      if (!cache.get(key).ok()) ++wrong;
      if (i % 100 == 0 && cache.stats().bytes > kMaxBytes) ++wrong;
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) threads.emplace_back(run, i);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(cache.stats().evictions, 0U);
}

// Keys that a caller chose so that they collide were all in one shard, which forgot what did not fit
// while the others were empty.
TEST(LruCacheShards, KeysThatCollideElsewhereAreSpreadOverAll) {
  constexpr std::size_t kKeys = 4'096;
  LruCache cache({.max_entries = 2 * kKeys, .shards = 16});
  for (const std::string& key : testing::collidingIds(kKeys)) {
    ASSERT_OK(cache.set(key, "v", absl::Minutes(1)));
  }
  EXPECT_EQ(cache.stats().entries, kKeys);
  EXPECT_EQ(cache.stats().evictions, 0U);
}

}  // namespace
}  // namespace strata
