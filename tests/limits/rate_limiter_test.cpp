// Rate limiters in one process. Those on a server are in tests/adapters/rate_limiter_*.
#include "strata/limits/rate_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "adapters/redis_dialect/rate_limit_script.h"
#include "strata/limits/in_memory_rate_limit_log.h"
#include "strata/testing/conformance/rate_limit_log_conformance.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/mocks/mock_rate_limiter.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace testing {
namespace {

class InMemoryHarness final : public RateLimitLogHarness {
 public:
  RateLimitLog& log() override { return log_; }
  bool advance(absl::Duration duration) override {
    clock_.advance(duration);
    return true;
  }

 private:
  FakeClock clock_;
  InMemoryRateLimitLog log_{clock_};
};

const RateLimitLogUnderTest kInMemory{"InMemory",
                                      [] { return std::make_unique<InMemoryHarness>(); }};
INSTANTIATE_TEST_SUITE_P(Memory, RateLimitLogConformance, ::testing::Values(kInMemory),
                         nameOfRateLimitLog);

}  // namespace
}  // namespace testing

namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Pair;
using ::testing::Return;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class RateLimiterTest : public ::testing::Test {
 protected:
  std::unique_ptr<RateLimiter> limiterOf(RateLimit limit) {
    return makeRateLimiter(log_, std::move(limit), "app").value();
  }
  static bool allows(RateLimiter& limiter, std::string_view id) {
    return limiter.check(id).value().allowed;
  }

  testing::FakeClock clock_;
  std::shared_ptr<InMemoryRateLimitLog> log_ = std::make_shared<InMemoryRateLimitLog>(clock_);
};

// ---- The window ----

// B-84
TEST_F(RateLimiterTest, ACallLeavesTheWindowAtItsVeryEnd) {
  const auto limiter = limiterOf({.name = "edge", .limit = 1, .window = absl::Seconds(10)});
  ASSERT_TRUE(allows(*limiter, "alice"));
  clock_.advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_FALSE(allows(*limiter, "alice"));
  clock_.advance(absl::Nanoseconds(1));
  EXPECT_TRUE(allows(*limiter, "alice"));
}

// B-84
TEST_F(RateLimiterTest, NoWindowWhereverItBeginsHoldsMoreThanTheLimit) {
  const auto limiter = limiterOf({.name = "slide", .limit = 3, .window = absl::Seconds(10)});
  std::vector<MonotonicTime> allowed;
  for (int i = 0; i < 400; ++i) {
    if (allows(*limiter, "alice")) allowed.push_back(clock_.now());
    clock_.advance(absl::Milliseconds(370));
  }
  ASSERT_GT(allowed.size(), 30U);
  for (std::size_t i = 3; i < allowed.size(); ++i) {
    EXPECT_GE(allowed[i] - allowed[i - 3], absl::Seconds(10));
  }
}

// B-84
TEST_F(RateLimiterTest, WhoIsDeniedIsToldWhenToComeBackAndIsAllowedThen) {
  const auto limiter = limiterOf({.name = "wait", .limit = 2, .window = absl::Seconds(60)});
  const Timestamp started = clock_.wallTime();
  ASSERT_OK_AND_ASSIGN(const RateLimitDecision first, limiter->check("alice"));
  EXPECT_TRUE(first.allowed);
  EXPECT_EQ(first.limit, 2);
  EXPECT_EQ(first.remaining, 1);
  EXPECT_EQ(first.retry_after, absl::ZeroDuration());
  EXPECT_EQ(first.reset_at, started + std::chrono::seconds(60));
  clock_.advance(absl::Seconds(15));
  ASSERT_TRUE(allows(*limiter, "alice"));

  ASSERT_OK_AND_ASSIGN(const RateLimitDecision denied, limiter->check("alice"));
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.remaining, 0);
  EXPECT_EQ(denied.retry_after, absl::Seconds(45));
  EXPECT_EQ(denied.reset_at, started + std::chrono::seconds(60));
  EXPECT_FALSE(denied.degraded);
  clock_.advance(denied.retry_after);
  EXPECT_TRUE(allows(*limiter, "alice"));
  EXPECT_FALSE(allows(*limiter, "alice"));
}

TEST_F(RateLimiterTest, AWallClockThatIsSetChangesNothing) {
  const auto limiter = limiterOf({.name = "wall", .limit = 1});
  ASSERT_TRUE(allows(*limiter, "alice"));
  for (const absl::Duration jump : {absl::Hours(5), absl::Hours(-10)}) {
    clock_.jumpWallClock(jump);
    EXPECT_EQ(limiter->check("alice")->retry_after, absl::Minutes(1));
  }
}

TEST_F(RateLimiterTest, LimitsOfOtherNamesAndIdsAreApart) {
  const auto one = limiterOf({.name = "one", .limit = 1});
  const auto two = limiterOf({.name = "two", .limit = 1});
  for (const char* id : {"alice", "bob", "a:b", "a%3Ab", "Ünï cödé", "*"}) {
    EXPECT_TRUE(allows(*one, id)) << id;
    EXPECT_TRUE(allows(*two, id)) << id;
    EXPECT_FALSE(allows(*one, id)) << id;
  }
}

TEST_F(RateLimiterTest, IdsThatHaveGoneQuietAreForgotten) {
  const auto limiter = limiterOf({.name = "many", .limit = 5, .window = absl::Seconds(1)});
  for (int i = 0; i < 200'000; ++i) {
    ASSERT_TRUE(allows(*limiter, std::to_string(i)));
    clock_.advance(absl::Milliseconds(1));
  }
  // A thousand are in the window at any time.
  EXPECT_LE(log_->size(), 4'000U);
}

TEST_F(RateLimiterTest, AnIdThatNobodyCanHaveIsRefused) {
  const auto limiter = limiterOf({.name = "auth", .limit = 5});
  for (const std::string& id : {std::string(), std::string("a\0b", 3), std::string("\xff")}) {
    EXPECT_THAT(limiter->check(id), StatusIs(kInvalid, HasSubstr("rate limit auth")));
  }
  EXPECT_EQ(log_->size(), 0U);
}

TEST_F(RateLimiterTest, ALimitOutOfRangeIsRefused) {
  const auto refused = [&](RateLimit limit) {
    return makeRateLimiter(log_, std::move(limit), "app").status();
  };
  for (const char* name : {"", "Auth", "a:b", "a b"}) {
    EXPECT_THAT(refused({.name = name}), StatusIs(kInvalid, HasSubstr("name")));
  }
  EXPECT_THAT(refused({.name = std::string(65, 'a')}), StatusIs(kInvalid));
  for (const std::int64_t limit : {std::int64_t{0}, std::int64_t{-1}, kMaxRateLimit + 1,
                                   std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_THAT(refused({.name = "a", .limit = limit}), StatusIs(kInvalid, HasSubstr("limit")));
  }
  for (const absl::Duration window :
       {absl::ZeroDuration(), absl::Seconds(-1), absl::Microseconds(999), absl::Hours(25),
        absl::InfiniteDuration(), absl::Seconds(1) + absl::Nanoseconds(1)}) {
    EXPECT_THAT(refused({.name = "a", .window = window}), StatusIs(kInvalid, HasSubstr("window")));
  }
  EXPECT_THAT(refused({.name = "a", .limit = kMaxRateLimit, .window = absl::Hours(24)}), IsOk());
  EXPECT_THAT(makeRateLimiter(log_, {.name = "a"}, ""), StatusIs(kInvalid, HasSubstr("app")));
}

TEST_F(RateLimiterTest, AShareIsRoundedDownButIsAtLeastOneCall) {
  const RateLimit limit{.name = "a", .limit = 10};
  EXPECT_EQ(shareOf(limit, 1).limit, 10);
  EXPECT_EQ(shareOf(limit, 0.25).limit, 2);
  EXPECT_EQ(shareOf(limit, 0.001).limit, 1);
}

// B-68
TEST_F(RateLimiterTest, IsAsHealthyAsItsLog) {
  const Health health = limiterOf({.name = "ai", .limit = 10})->healthCheck();
  EXPECT_EQ(health.component, "rate-limiter");
  EXPECT_EQ(health.backend, "in-memory");
  EXPECT_EQ(health.state, HealthState::kPass);
  EXPECT_EQ(health.children.size(), 1U);
}

// ---- Several at once ----

// Counts what it is asked.
class CountingLog final : public RateLimitLog {
 public:
  explicit CountingLog(RateLimitLog& log) : log_(log) {}
  std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> calls,
                                            Deadline deadline) override {
    ++round_trips;
    return log_.record(calls, deadline);
  }
  absl::Status ping(Deadline deadline) override { return log_.ping(deadline); }
  Health healthCheck() override { return log_.healthCheck(); }

  int round_trips = 0;

 private:
  RateLimitLog& log_;
};

TEST_F(RateLimiterTest, ChecksThatShareALogAreOneRoundTrip) {
  const auto log = std::make_shared<CountingLog>(*log_);
  const auto by_user = *makeRateLimiter(log, {.name = "user", .limit = 1}, "app");
  const auto by_address = *makeRateLimiter(log, {.name = "address", .limit = 5}, "app");
  ASSERT_TRUE(allows(*by_user, "alice"));
  log->round_trips = 0;

  const std::vector<RateLimitCheck> checks{
      {by_user.get(), "alice"}, {by_address.get(), ""}, {by_address.get(), "10.0.0.1"}};
  const auto decisions = checkAll(checks);
  EXPECT_EQ(log->round_trips, 1);
  ASSERT_EQ(decisions.size(), 3U);
  EXPECT_FALSE(decisions[0]->allowed);
  EXPECT_THAT(decisions[1], StatusIs(kInvalid));
  // It was recorded, though the other one denied it.
  EXPECT_TRUE(decisions[2]->allowed);
  EXPECT_EQ(decisions[2]->remaining, 4);
  EXPECT_THAT(checkAll({}), ::testing::IsEmpty());
}

TEST_F(RateLimiterTest, ChecksOfAMockAreAskedOneByOne) {
  testing::MockRateLimiter mock;
  EXPECT_CALL(mock, check(std::string_view("alice"), _))
      .WillOnce(Return(RateLimitDecision{.allowed = false}));
  const auto real = limiterOf({.name = "ai", .limit = 10});
  const auto decisions =
      checkAll(std::vector<RateLimitCheck>{{&mock, "alice"}, {real.get(), "alice"}});
  EXPECT_FALSE(decisions[0]->allowed);
  EXPECT_TRUE(decisions[1]->allowed);
}

TEST(CombinedRateLimits, TheLongestWaitWinsThenTheLeastLeft) {
  using Decisions = std::vector<absl::StatusOr<RateLimitDecision>>;
  const RateLimitDecision much{.limit = 100, .remaining = 70};
  const RateLimitDecision little{.limit = 10, .remaining = 2, .degraded = true};
  const RateLimitDecision soon{.allowed = false, .limit = 5, .retry_after = absl::Seconds(1)};
  const RateLimitDecision late{.allowed = false, .limit = 6, .retry_after = absl::Seconds(9)};

  EXPECT_TRUE(combine({})->allowed);
  EXPECT_EQ(combine(Decisions{much, little})->limit, 10);
  ASSERT_OK_AND_ASSIGN(const RateLimitDecision denied,
                       combine(Decisions{little, soon, late, much}));
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.limit, 6);
  EXPECT_TRUE(denied.degraded);
  EXPECT_THAT(combine(Decisions{much, absl::UnavailableError("down")}),
              StatusIs(absl::StatusCode::kUnavailable));
}

// ---- Headers ----

TEST(RateLimitHeaders, AllowedCallsSayWhatIsLeft) {
  const RateLimitDecision decision{
      .limit = 10, .remaining = 7, .reset_at = Timestamp(std::chrono::microseconds(1'000'001))};
  EXPECT_THAT(renderRateLimitHeaders(decision),
              ElementsAre(Pair("X-RateLimit-Limit", "10"), Pair("X-RateLimit-Remaining", "7"),
                          Pair("X-RateLimit-Reset", "2")));
}

TEST(RateLimitHeaders, DeniedCallsSayWhenToComeBackInWholeSeconds) {
  for (const auto& [wait, header] :
       std::vector<std::pair<absl::Duration, std::string>>{{absl::ZeroDuration(), "1"},
                                                           {absl::Nanoseconds(1), "1"},
                                                           {absl::Seconds(1), "1"},
                                                           {absl::Milliseconds(1001), "2"},
                                                           {absl::Hours(24), "86400"}}) {
    const RateLimitDecision decision{.allowed = false,
                                     .limit = 10,
                                     .reset_at = Timestamp(std::chrono::seconds(1'700'000'000)),
                                     .retry_after = wait};
    EXPECT_THAT(renderRateLimitHeaders(decision),
                ElementsAre(Pair("X-RateLimit-Limit", "10"), Pair("X-RateLimit-Remaining", "0"),
                            Pair("X-RateLimit-Reset", "1700000000"), Pair("Retry-After", header)));
  }
}

// ---- What the script answers ----

TEST(RateLimitAnswer, IsFourNumbersOrAnError) {
  ASSERT_OK_AND_ASSIGN(const RateLimitLog::Entry entry,
                       internal::parseRateLimitAnswer("1 7 60000000 1763728618000001"));
  EXPECT_TRUE(entry.recorded);
  EXPECT_EQ(entry.count, 7);
  EXPECT_EQ(entry.until_room, absl::Minutes(1));
  EXPECT_EQ(entry.room_at.time_since_epoch().count(), 1'763'728'618'000'001);
  for (const char* text : {"", "1", "1 2 3", "1 2 3 ", "1 2 3 4 5", "1 2 3 4 ", "a 2 3 4",
                           "1  2 3 4", "1 2 3 99999999999999999999"}) {
    EXPECT_THAT(internal::parseRateLimitAnswer(text), StatusIs(absl::StatusCode::kInternal))
        << text;
  }
}

}  // namespace
}  // namespace strata
