#include "strata/limits/guarded_rate_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "strata/limits/guarded_rate_limit_log.h"
#include "strata/limits/in_memory_rate_limit_log.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;

// A log whose server can be taken away.
class FailingLog final : public RateLimitLog {
 public:
  explicit FailingLog(const Clock& clock) : clock_(clock), log_(clock) {}
  std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> calls,
                                            Deadline deadline) override {
    ++asked;
    clock_.sleepFor(takes);
    if (!failure.ok()) return {calls.size(), failure};
    return log_.record(calls, deadline);
  }
  absl::Status ping(Deadline /*deadline*/) override {
    ++pings;
    return failure;
  }
  Health healthCheck() override {
    return {.component = "rate-limit-log",
            .backend = "redis",
            .state = failure.ok() ? HealthState::kPass : HealthState::kFail};
  }

  absl::Status failure;
  absl::Duration takes;
  int asked = 0;
  int pings = 0;

 private:
  const Clock& clock_;
  InMemoryRateLimitLog log_;
};

class GuardedRateLimiterTest : public ::testing::Test {
 protected:
  GuardedRateLimiterTest() {
    auto logger = std::make_shared<spdlog::logger>(
        "strata", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged_));
    logger->set_pattern("%l %v");
    spdlog::register_logger(logger);
  }
  ~GuardedRateLimiterTest() override { spdlog::drop("strata"); }

  std::unique_ptr<RateLimiter> limiterOf(RateLimitFailure policy, double share = 0.5) {
    const RateLimit limit{.name = "ai", .limit = 4};
    GuardedRateLimiterOptions options{.on_failure = policy};
    options.local = makeRateLimiter(std::make_shared<InMemoryRateLimitLog>(clock_),
                                    shareOf(limit, share), "app")
                        .value();
    return GuardedRateLimiter::create(makeRateLimiter(guarded_log_, limit, "app").value(),
                                      std::move(options), metrics_, clock_)
        .value();
  }
  std::int64_t checks(const char* result) const {
    return metrics_->count("strata_ratelimit_checks_total",
                           {{"limiter", "ai"}, {"result", result}});
  }
  int lines(std::string_view event) const {
    const std::string text = logged_.str();
    int count = 0;
    for (std::size_t at = text.find(event); at != std::string::npos; at = text.find(event, at + 1))
      ++count;
    return count;
  }

  std::ostringstream logged_;
  testing::FakeClock clock_;
  std::shared_ptr<testing::FakeExecutor> executor_ =
      std::make_shared<testing::FakeExecutor>(clock_);
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::shared_ptr<FailingLog> log_ = std::make_shared<FailingLog>(clock_);
  std::shared_ptr<GuardedRateLimitLog> guarded_log_ =
      GuardedRateLimitLog::create(log_, {}, metrics_, clock_, executor_).value();
};

const absl::Status kDown = absl::UnavailableError("connection refused");

TEST_F(GuardedRateLimiterTest, DecidesAsTheLogSaysWhileItAnswers) {
  const auto limiter = limiterOf(RateLimitFailure::kClosed);
  for (int i = 0; i < 6; ++i) {
    ASSERT_OK_AND_ASSIGN(const RateLimitDecision decision, limiter->check("alice"));
    EXPECT_EQ(decision.allowed, i < 4);
    EXPECT_FALSE(decision.degraded);
  }
  EXPECT_EQ(checks("allowed"), 4);
  EXPECT_EQ(checks("denied"), 2);
  EXPECT_EQ(limiter->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(logged_.str(), "");
}

// B-86
TEST_F(GuardedRateLimiterTest, OpenAllowsEverybodyWhileTheLogIsDown) {
  const auto limiter = limiterOf(RateLimitFailure::kOpen);
  log_->failure = kDown;
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK_AND_ASSIGN(const RateLimitDecision decision, limiter->check("alice"));
    EXPECT_TRUE(decision.allowed);
    EXPECT_TRUE(decision.degraded);
    EXPECT_EQ(decision.remaining, 4);
  }
  EXPECT_EQ(checks("degraded_allowed"), 20);
  EXPECT_EQ(limiter->healthCheck().state, HealthState::kWarn);
}

// B-86
TEST_F(GuardedRateLimiterTest, ClosedDeniesEverybodyWhileTheLogIsDown) {
  const auto limiter = limiterOf(RateLimitFailure::kClosed);
  log_->failure = kDown;
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK_AND_ASSIGN(const RateLimitDecision decision, limiter->check("alice"));
    EXPECT_FALSE(decision.allowed);
    EXPECT_TRUE(decision.degraded);
    EXPECT_EQ(decision.remaining, 0);
    EXPECT_EQ(decision.retry_after, absl::Seconds(5));
  }
  EXPECT_EQ(checks("degraded_denied"), 20);
  EXPECT_EQ(limiter->healthCheck().state, HealthState::kFail);
}

// B-86
TEST_F(GuardedRateLimiterTest, ALocalShareIsCountedWhileTheLogIsDown) {
  const auto limiter = limiterOf(RateLimitFailure::kLocalShare);
  log_->failure = kDown;
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK_AND_ASSIGN(const RateLimitDecision decision, limiter->check("alice"));
    EXPECT_EQ(decision.allowed, i < 2);
    EXPECT_TRUE(decision.degraded);
    EXPECT_EQ(decision.limit, 2);
  }
  EXPECT_TRUE(limiter->check("bob")->allowed);
  EXPECT_EQ(checks("degraded_allowed"), 3);
  EXPECT_EQ(checks("degraded_denied"), 3);
}

TEST_F(GuardedRateLimiterTest, ALocalShareNeedsALocalLimiter) {
  EXPECT_THAT(
      GuardedRateLimiter::create(makeRateLimiter(log_, {.name = "ai", .limit = 10}, "app").value(),
                                 {.on_failure = RateLimitFailure::kLocalShare}),
      StatusIs(absl::StatusCode::kInvalidArgument));
}

// B-86
TEST_F(GuardedRateLimiterTest, FiveFailuresOpenTheBreakerAndThreeProbesCloseIt) {
  const auto limiter = limiterOf(RateLimitFailure::kOpen);
  log_->failure = kDown;
  for (int i = 0; i < 30; ++i) ASSERT_OK(limiter->check("alice"));
  EXPECT_EQ(log_->asked, 5);
  EXPECT_EQ(guarded_log_->breaker()->status().state, CircuitBreaker::State::kOpen);
  EXPECT_THAT(guarded_log_->ping(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(limiter->healthCheck().state, HealthState::kWarn);

  log_->failure = absl::OkStatus();
  executor_->advance(absl::Seconds(26));
  EXPECT_EQ(log_->pings, 0);
  executor_->advance(absl::Seconds(8));
  EXPECT_EQ(log_->pings, 3);
  EXPECT_FALSE(limiter->check("alice")->degraded);
  EXPECT_EQ(limiter->healthCheck().state, HealthState::kPass);
}

TEST_F(GuardedRateLimiterTest, TellsOnceThatItIsDegradedAndOnceThatItIsBack) {
  const auto limiter = limiterOf(RateLimitFailure::kOpen);
  for (int outage = 1; outage <= 2; ++outage) {
    log_->failure = kDown;
    for (int i = 0; i < 4; ++i) ASSERT_OK(limiter->check("alice"));
    EXPECT_EQ(lines("warning strata.ratelimit.degraded"), outage);
    log_->failure = absl::OkStatus();
    // One answer among failures is not the end of an outage.
    ASSERT_OK(limiter->check("alice"));
    EXPECT_EQ(lines("strata.ratelimit.recovered"), outage - 1);
    clock_.advance(absl::Seconds(11));
    for (int i = 0; i < 4; ++i) ASSERT_OK(limiter->check("bob"));
    EXPECT_EQ(lines("info strata.ratelimit.recovered"), outage);
  }
  EXPECT_THAT(logged_.str(), HasSubstr("limiter=ai policy=open"));
  EXPECT_THAT(logged_.str(), Not(HasSubstr("alice")));
}

TEST_F(GuardedRateLimiterTest, WhatTheCallerDidWrongIsItsErrorAndNoOutage) {
  const auto limiter = limiterOf(RateLimitFailure::kOpen);
  EXPECT_THAT(limiter->check(""), StatusIs(absl::StatusCode::kInvalidArgument));
  const Deadline passed = Deadline::in(absl::Seconds(1), clock_);
  clock_.advance(absl::Seconds(1));
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(limiter->check("alice", passed), StatusIs(absl::StatusCode::kDeadlineExceeded));
  }
  const RateLimitCheck alice{limiter.get(), "alice"};
  EXPECT_THAT(checkAll({&alice, 1}, passed).front(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(checks("error"), 12);
  EXPECT_EQ(log_->asked, 0);
  EXPECT_TRUE(guarded_log_->breaker()->allows());
  EXPECT_EQ(logged_.str(), "");
}

// B-86
TEST_F(GuardedRateLimiterTest, ADeadlineThatPassesWhileTheLogHangsIsLeftToThePolicy) {
  const auto limiter = limiterOf(RateLimitFailure::kOpen);
  log_->failure = absl::DeadlineExceededError("no answer");
  log_->takes = absl::Milliseconds(10);
  for (int i = 0; i < 10; ++i) {
    const Deadline deadline = Deadline::in(absl::Milliseconds(10), clock_);
    ASSERT_OK_AND_ASSIGN(const RateLimitDecision decision, limiter->check("alice", deadline));
    EXPECT_TRUE(decision.allowed && decision.degraded);
  }
  // Who gives it less time than it has cannot tell whether it is down.
  EXPECT_TRUE(guarded_log_->breaker()->allows());
}

TEST_F(GuardedRateLimiterTest, WhatOneKeyIsRefusedForIsLeftToThePolicyButOpensNoBreaker) {
  const auto limiter = limiterOf(RateLimitFailure::kClosed);
  log_->failure = absl::InternalError("WRONGTYPE");
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limiter->check("alice")->allowed);
  EXPECT_TRUE(guarded_log_->breaker()->allows());
  EXPECT_EQ(log_->asked, 10);
}

// B-86
TEST_F(GuardedRateLimiterTest, ChecksTogetherAreOneRoundTripAndEachFollowsItsOwnPolicy) {
  const auto open = limiterOf(RateLimitFailure::kOpen);
  const auto closed = limiterOf(RateLimitFailure::kClosed);
  const std::vector<RateLimitCheck> checks_of_both{{open.get(), "alice"}, {closed.get(), "bob"}};
  for (const auto& decision : checkAll(checks_of_both)) EXPECT_FALSE(decision->degraded);
  EXPECT_EQ(log_->asked, 1);
  log_->failure = kDown;
  const auto decisions = checkAll(checks_of_both);
  EXPECT_EQ(log_->asked, 2);
  EXPECT_TRUE(decisions[0]->allowed);
  EXPECT_FALSE(decisions[1]->allowed);
  EXPECT_EQ(checks("allowed"), 2);
  EXPECT_EQ(checks("degraded_allowed"), 1);
  EXPECT_EQ(checks("degraded_denied"), 1);
}

TEST_F(GuardedRateLimiterTest, OptionsOfTheBreakerAreChecked) {
  EXPECT_THAT(GuardedRateLimitLog::create(log_, {.breaker = {.failures_to_open = 0}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

// A log of an application's own that throws, or answers for too few calls: what it threw went through
// the limiter.
class FaultyLog final : public RateLimitLog {
 public:
  std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> /*calls*/,
                                            Deadline /*deadline*/) override {
    if (throws) throw std::runtime_error("hunter2");
    return {};
  }
  absl::Status ping(Deadline /*deadline*/) override { throw std::runtime_error("hunter2"); }
  Health healthCheck() override { throw std::runtime_error("hunter2"); }

  bool throws = true;
};

TEST(GuardedRateLimitLog, TurnsWhatItsLogThrowsIntoAnError) {
  const auto faulty = std::make_shared<FaultyLog>();
  const auto log = GuardedRateLimitLog::create(faulty, {}).value();
  const auto is_thrown =
      StatusIs(absl::StatusCode::kInternal,
               ::testing::AllOf(HasSubstr("std::runtime_error"), Not(HasSubstr("hunter2"))));
  const RateLimitLog::Call call{.key = "k", .limit = 1, .window = absl::Seconds(1)};
  EXPECT_THAT(log->record({&call, 1}), ::testing::ElementsAre(is_thrown));
  EXPECT_THAT(log->ping(), is_thrown);
  EXPECT_EQ(log->healthCheck().state, HealthState::kFail);
  faulty->throws = false;
  EXPECT_THAT(log->record({&call, 1}),
              ::testing::ElementsAre(StatusIs(absl::StatusCode::kInternal)));
}

}  // namespace
}  // namespace strata
