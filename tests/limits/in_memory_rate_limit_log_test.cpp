// How much an InMemoryRateLimitLog keeps.
#include "strata/limits/in_memory_rate_limit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/limits/guarded_rate_limiter.h"
#include "strata/limits/rate_limiter.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

constexpr auto kFull = absl::StatusCode::kResourceExhausted;

std::size_t bytesInUse() {
  const auto heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

class InMemoryRateLimitLogTest : public ::testing::Test {
 protected:
  static absl::StatusOr<RateLimitLog::Entry> call(InMemoryRateLimitLog& log, const std::string& key,
                                                  absl::Duration window = absl::Minutes(1),
                                                  std::int64_t limit = 2) {
    const RateLimitLog::Call one{.key = key, .limit = limit, .window = window};
    return log.record({&one, 1}).front();
  }
  static std::string key(int number) { return "app:ratelimit:x:" + std::to_string(number); }
  // Many at once. `count`: a multiple of a thousand.
  static void fill(InMemoryRateLimitLog& log, int count) {
    std::vector<std::string> keys(1'000);
    std::vector<RateLimitLog::Call> calls(keys.size());
    for (int i = 0; i < count;) {
      for (std::size_t k = 0; k < keys.size(); ++k) {
        keys[k] = key(i++);
        calls[k] = {.key = keys[k], .limit = 2, .window = absl::Minutes(1)};
      }
      for (const auto& entry : log.record(calls)) ASSERT_TRUE(entry.ok() && entry->recorded);
    }
  }

  testing::FakeClock clock_;
};

// A caller with many ids made the process grow by each of them.
TEST_F(InMemoryRateLimitLogTest, KeepsAMillionKeysByDefaultAndRefusesTheNext) {
  InMemoryRateLimitLog log(clock_);
  fill(log, 1'000'000);
  EXPECT_EQ(log.size(), 1'000'000U);
  EXPECT_THAT(call(log, "another"), StatusIs(kFull, HasSubstr("1000000 keys")));
  EXPECT_EQ(log.size(), 1'000'000U);
}

// No limit begins anew because others came.
TEST_F(InMemoryRateLimitLogTest, AFullLogGoesOnCountingTheKeysThatItHas) {
  InMemoryRateLimitLog log(clock_, {.max_keys = 100});
  for (int i = 0; i < 100; ++i) ASSERT_OK(call(log, key(i)));
  for (int i = 100; i < 1'000; ++i) ASSERT_THAT(call(log, key(i)), StatusIs(kFull));
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(call(log, key(i))->recorded);
    EXPECT_FALSE(call(log, key(i))->recorded);
  }
}

TEST_F(InMemoryRateLimitLogTest, KeysWhoseWindowsAreOverMakeRoomInWhicheverShardTheyAre) {
  InMemoryRateLimitLog log(clock_, {.max_keys = 100});
  ASSERT_OK(call(log, "short", absl::Seconds(1)));
  for (int i = 1; i < 100; ++i) ASSERT_OK(call(log, key(i)));
  EXPECT_THAT(call(log, "new"), StatusIs(kFull));
  clock_.advance(absl::Seconds(1));
  EXPECT_THAT(call(log, "new"), IsOk());
  EXPECT_THAT(call(log, "newer"), StatusIs(kFull));
  EXPECT_EQ(log.size(), 100U);
}

// All seem to be over, and one is.
TEST_F(InMemoryRateLimitLogTest, KeysWithLaterCallsAreKeptAndDoNotHideOneThatIsOver) {
  constexpr int kKeys = 5'000;
  InMemoryRateLimitLog log(clock_, {.max_keys = kKeys});
  for (int i = 0; i < kKeys; ++i) ASSERT_OK(call(log, key(i)));
  clock_.advance(absl::Seconds(30));
  for (int i = 0; i + 1 < kKeys; ++i) ASSERT_OK(call(log, key(i)));
  EXPECT_THAT(call(log, "new"), StatusIs(kFull));
  clock_.advance(absl::Seconds(30));
  EXPECT_THAT(call(log, "new"), IsOk());
  EXPECT_THAT(call(log, "newer"), StatusIs(kFull));
  EXPECT_EQ(call(log, key(0))->count, 2);
}

// The table of a map that had held a million keys stayed as large as it was.
TEST_F(InMemoryRateLimitLogTest, GivesMemoryBackWhenWindowsAreOver) {
  InMemoryRateLimitLog log(clock_);
  const std::size_t before = bytesInUse();
  fill(log, 50'000);
  const std::size_t full = bytesInUse() - before;
  clock_.advance(absl::Minutes(1));
  EXPECT_EQ(log.size(), 0U);
  EXPECT_LE(bytesInUse() - before, full / 100);
}

TEST_F(InMemoryRateLimitLogTest, CallsOfOneKeyAndHealthChecksGiveMemoryBackToo) {
  InMemoryRateLimitLog log(clock_);
  const std::size_t before = bytesInUse();
  fill(log, 100'000);
  const std::size_t full = bytesInUse() - before;
  clock_.advance(absl::Minutes(1));
  EXPECT_EQ(log.healthCheck().state, HealthState::kPass);
  EXPECT_LE(bytesInUse() - before, full / 2);
  for (int i = 0; i < 40'000; ++i) ASSERT_OK(call(log, "one", absl::Minutes(1)));
  EXPECT_LE(bytesInUse() - before, full / 50);
}

TEST_F(InMemoryRateLimitLogTest, AKeyGivesTheMemoryOfItsCallsBack) {
  InMemoryRateLimitLog log(clock_);
  constexpr std::int64_t kCalls = 100'000;
  ASSERT_OK(call(log, "busy", absl::Minutes(1), kCalls));
  const std::size_t before = bytesInUse();
  for (int i = 1; i < kCalls; ++i) ASSERT_OK(call(log, "busy", absl::Minutes(1), kCalls));
  clock_.advance(absl::Minutes(2));  // no two calls are of the same time
  ASSERT_OK(call(log, "busy", absl::Minutes(1), kCalls));
  EXPECT_LT(bytesInUse(), before + 10'000);
}

// ---- What a limiter makes of a full log ----

class FullLog : public InMemoryRateLimitLogTest {
 protected:
  std::shared_ptr<InMemoryRateLimitLog> fullLog() const {
    auto log = std::make_shared<InMemoryRateLimitLog>(clock_, InMemoryRateLimitLogOptions{1});
    EXPECT_OK(call(*log, "the only one"));
    return log;
  }
  std::unique_ptr<RateLimiter> limiter() const {
    return makeRateLimiter(fullLog(), {.name = "login", .limit = 5}, "app").value();
  }
  RateLimitDecision decisionOf(GuardedRateLimiterOptions options) const {
    auto guarded =
        GuardedRateLimiter::create(limiter(), std::move(options), Metrics::none(), clock_).value();
    return guarded->check("alice").value();
  }
};

TEST_F(FullLog, LeavesANewIdToThePolicy) {
  EXPECT_THAT(limiter()->check("alice"), StatusIs(kFull, HasSubstr("rate limit login")));
  const RateLimitDecision open = decisionOf({.on_failure = RateLimitFailure::kOpen});
  EXPECT_TRUE(open.allowed && open.degraded);
  const RateLimitDecision closed = decisionOf({.on_failure = RateLimitFailure::kClosed});
  EXPECT_TRUE(!closed.allowed && closed.degraded);
  EXPECT_EQ(closed.retry_after, absl::Seconds(5));
}

TEST_F(FullLog, OfALocalShareDenies) {
  const RateLimitDecision local =
      decisionOf({.on_failure = RateLimitFailure::kLocalShare, .local = limiter()});
  EXPECT_TRUE(!local.allowed && local.degraded);
  EXPECT_EQ(local.retry_after, absl::Seconds(5));
}

}  // namespace
}  // namespace strata
