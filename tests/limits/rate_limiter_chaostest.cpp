// What createRateLimiter builds, and what becomes of it when its Redis fails and comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "strata/factories/rate_limiter_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalServers;
using ::testing::Not;
using testing::sharedServers;
using testing::StatusIs;

constexpr absl::Duration kSoon = absl::Seconds(5);
const CircuitBreakerOptions kImpatient{.name = "rate_limit",
                                       .failures_to_open = 5,
                                       .open_time = absl::Milliseconds(100),
                                       .probes_to_close = 3};

Config onRedis(const std::string& url) {
  Config config;
  config.app = "limits";
  config.cache_url = url;
  return config;
}

RateLimit limitOf(const char* name) { return {.name = name, .limit = 4, .window = absl::Hours(1)}; }

// ---- What is built ----

TEST(CreateRateLimiter, CountsInRedisWithoutADatabase) {
  const Config config = onRedis(sharedServers().redis().url());
  // As two processes would.
  const auto here = createRateLimiter(config, {.limit = limitOf("built")}).value();
  const auto there = createRateLimiter(config, {.limit = limitOf("built")}).value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(here->check("alice")->allowed, i < 2);
    EXPECT_EQ(there->check("alice")->allowed, i < 2);
  }
  const Health health = here->healthCheck();
  EXPECT_EQ(health.state, HealthState::kPass);
  EXPECT_EQ(health.backend, "redis");
}

TEST(CreateRateLimiter, CountsInMemoryWithoutAServerAndWhereThatIsAskedFor) {
  Config by_name = onRedis(sharedServers().redis().url());
  by_name.rate_limit_provider = RateLimitProvider::kMemory;
  for (const Config& config : {Config{}, by_name}) {
    const auto limiter = createRateLimiter(config, {.limit = limitOf("memory")}).value();
    EXPECT_TRUE(limiter->check("alice")->allowed);
    EXPECT_EQ(limiter->healthCheck().backend, "in-memory");
  }
}

// B-80
TEST(CreateRateLimiter, WithTheSwitchOffNoConnectionIsOpened) {
  const auto servers = LocalServers::start({.redis = true}).value();
  const auto connections = [&] {
    const std::string info = servers->redis().command({"INFO", "stats"}).value();
    const std::string field = "total_connections_received:";
    return std::stoll(info.substr(info.find(field) + field.size()));
  };
  Config config = onRedis(servers->redis().url());
  config.enable_redis_rate_limiter = false;
  const auto before = connections();
  const auto limiter = createRateLimiter(config, {.limit = limitOf("off")}).value();
  EXPECT_TRUE(limiter->check("alice")->allowed);
  EXPECT_EQ(limiter->healthCheck().backend, "in-memory");
  EXPECT_EQ(connections(), before + 1);  // the second question
}

// B-77, B-78
TEST(CreateRateLimiter, RefusesWhatIsWrong) {
  Config config;
  config.rate_limit_provider = RateLimitProvider::kRedis;
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(createRateLimiter(config, {.limit = limitOf("a")}),
              StatusIs(kInvalid, HasSubstr("RATE_LIMIT_PROVIDER")));
  EXPECT_THAT(createRateLimiter(Config{}, {.limit = {.name = "a", .limit = 0}}),
              StatusIs(kInvalid));
  for (const double share : {0.0, -1.0, 1.01}) {
    EXPECT_THAT(createRateLimiter(Config{}, {.limit = limitOf("a"), .local_share = share}),
                StatusIs(kInvalid, HasSubstr("local_share")));
  }
  const std::vector<RateLimiterOptions> twice{{.limit = limitOf("a")}, {.limit = limitOf("a")}};
  EXPECT_THAT(createRateLimiters(Backends{}, twice), StatusIs(kInvalid, HasSubstr("named a")));
}

// B-79
TEST(CreateRateLimiter, TellsAWrongPasswordAtOnceButNotItself) {
  const auto servers = LocalServers::start({.redis = true, .redis_password = "swordfish"}).value();
  const Config config =
      onRedis("redis://:hunter2@127.0.0.1:" + std::to_string(servers->redis().port()));
  EXPECT_THAT(createRateLimiter(config, {.limit = limitOf("a")}),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       ::testing::AllOf(HasSubstr("REDIS_URL"), Not(HasSubstr("hunter2")))));
}

// ---- What becomes of it ----

class RateLimiterOutage : public ::testing::Test {
 protected:
  RateLimiterOutage() {
    backends_.config = onRedis(servers_->redis().url());
    backends_.metrics = metrics_;
    log_ = createRateLimitLog(backends_, kImpatient).value();
    open_ = limiterOf("open", RateLimitFailure::kOpen);
    closed_ = limiterOf("closed", RateLimitFailure::kClosed);
    share_ = limiterOf("share", RateLimitFailure::kLocalShare);
  }
  std::unique_ptr<RateLimiter> limiterOf(const char* name, RateLimitFailure policy) {
    return createRateLimiter(backends_, log_,
                             {.limit = limitOf(name), .on_failure = policy, .local_share = 0.5})
        .value();
  }
  // On a busy machine a call may take longer than its limiter waits.
  void expectAllServed() {
    for (RateLimiter* limiter : {open_.get(), closed_.get(), share_.get()}) {
      EXPECT_TRUE(eventually([&] {
        const auto decision = limiter->check("probe");
        return decision.ok() && !decision->degraded;
      })) << limiter->limit().name;
      EXPECT_EQ(limiter->healthCheck().state, HealthState::kPass);
    }
  }
  void expectPolicies() {
    for (int i = 0; i < 10; ++i) {
      ASSERT_OK_AND_ASSIGN(const RateLimitDecision open, open_->check("alice"));
      EXPECT_TRUE(open.allowed && open.degraded);
      ASSERT_OK_AND_ASSIGN(const RateLimitDecision closed, closed_->check("alice"));
      EXPECT_TRUE(!closed.allowed && closed.degraded);
      ASSERT_OK_AND_ASSIGN(const RateLimitDecision share, share_->check("alice"));
      EXPECT_TRUE(share.degraded);
      EXPECT_EQ(share.allowed, i < 2);
    }
    EXPECT_EQ(open_->healthCheck().state, HealthState::kWarn);
    EXPECT_EQ(share_->healthCheck().state, HealthState::kWarn);
    EXPECT_EQ(closed_->healthCheck().state, HealthState::kFail);
  }

  const std::unique_ptr<LocalServers> servers_ = LocalServers::start({.redis = true}).value();
  const std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  Backends backends_;
  std::shared_ptr<RateLimitLog> log_;
  std::unique_ptr<RateLimiter> open_;
  std::unique_ptr<RateLimiter> closed_;
  std::unique_ptr<RateLimiter> share_;
};

// B-86
TEST_F(RateLimiterOutage, AKilledRedisLeavesEachLimiterToItsPolicyUntilItIsBack) {
  expectAllServed();
  ASSERT_OK(servers_->redis().kill());
  expectPolicies();
  EXPECT_GE(metrics_->count("strata_breaker_transitions_total",
                            {{"breaker", "rate_limit"}, {"to", "open"}}),
            1);
  ASSERT_OK(servers_->redis().start());
  expectAllServed();
  ASSERT_OK_AND_ASSIGN(const RateLimitDecision decision, closed_->check("alice"));
  EXPECT_EQ(decision.remaining, 3);
  EXPECT_EQ(metrics_->count("strata_ratelimit_checks_total", {{"result", "error"}}), 0);
}

// B-86
TEST_F(RateLimiterOutage, AFrozenRedisIsWaitedForBrieflyAndSoonNotAtAll) {
  expectAllServed();
  ASSERT_OK(servers_->redis().freeze());
  const MonotonicTime started = Clock::system().now();
  expectPolicies();
  EXPECT_LT(Clock::system().now() - started, kSoon);
  ASSERT_OK(servers_->redis().resume());
  expectAllServed();
}

// B-86
TEST_F(RateLimiterOutage, ARedisThatIsDownAtTheStartIsNoErrorAndIsUsedOnceItIsThere) {
  ASSERT_OK(servers_->redis().kill());
  // Calls right after the start are refused within milliseconds and may open the breaker, which by
  // default stays open for longer than this test waits.
  auto log = createRateLimitLog(backends_, kImpatient).value();
  const auto limiter =
      createRateLimiter(backends_, std::move(log), {.limit = limitOf("late")}).value();
  EXPECT_TRUE(limiter->check("alice")->degraded);
  ASSERT_OK(servers_->redis().start());
  EXPECT_TRUE(eventually([&] { return !limiter->check("alice")->degraded; }));
}

}  // namespace
}  // namespace strata
