// Rate limiters on a Redis, and what they leave there. What every log promises is in
// tests/conformance/rate_limit_log_redistest.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "adapters/redis_dialect/rate_limit_script.h"
#include "strata/adapters/redis/redis_rate_limit_log.h"
#include "strata/limits/rate_limiter.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::Eq;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using ::testing::Not;
using testing::sharedServers;
using testing::StatusIs;

std::shared_ptr<RateLimitLog> logOf(const std::string& url, const Clock& clock = Clock::system()) {
  return RedisRateLimitLog::create({.url = url,
                                    .connect_timeout = absl::Seconds(10),
                                    .command_timeout = absl::Seconds(10)},
                                   clock)
      .value();
}

class RedisRateLimiterTest : public ::testing::Test {
 protected:
  RedisRateLimiterTest() { command({"FLUSHALL"}); }
  static std::string command(const std::vector<std::string>& arguments) {
    return sharedServers().redis().command(arguments).value();
  }
  // What the server's clock says, in microseconds.
  static std::int64_t serverMicros() {
    const auto time = sharedServers().redis().elements({"TIME"}).value();
    return std::stoll(time[0]) * 1'000'000 + std::stoll(time[1]);
  }
  static std::string micros(std::int64_t time) { return std::to_string(time); }

  const std::shared_ptr<RateLimitLog> log_ = logOf(sharedServers().redis().url());
};

TEST_F(RedisRateLimiterTest, TheScriptIsNamedByItsHash) {
  EXPECT_EQ(command({"SCRIPT", "LOAD", std::string(internal::kRateLimitScript.source)}),
            internal::kRateLimitScript.sha);
}

TEST_F(RedisRateLimiterTest, KeepsOneKeyForEachLimitAndIdAsLongAsItsCallsCount) {
  const auto limiter =
      makeRateLimiter(log_, {.name = "ai", .limit = 2, .window = absl::Seconds(30)}, "shop")
          .value();
  for (int i = 0; i < 5; ++i) ASSERT_OK(limiter->check("a:b c"));
  const std::string key = "shop:ratelimit:ai:a%3Ab%20c";
  EXPECT_EQ(command({"KEYS", "*"}), key);
  EXPECT_EQ(command({"ZCARD", key}), "2");
  const int left = std::stoi(command({"PTTL", key}));
  EXPECT_GT(left, 25'000);
  EXPECT_LE(left, 30'001);
}

TEST_F(RedisRateLimiterTest, KeysAreGoneWhenTheirLastCallHasLeft) {
  const auto limiter =
      makeRateLimiter(log_, {.name = "ai", .limit = 1, .window = absl::Milliseconds(30)}, "app")
          .value();
  ASSERT_OK(limiter->check("alice"));
  EXPECT_TRUE(eventually([] { return command({"KEYS", "*"}).empty(); }));
}

TEST_F(RedisRateLimiterTest, GoesOnAfterAScriptFlush) {
  const auto limiter = makeRateLimiter(log_, {.name = "ai", .limit = 1000}, "app").value();
  for (int i = 0; i < 3; ++i) {
    command({"SCRIPT", "FLUSH"});
    for (int n = 0; n < 2; ++n) ASSERT_OK(limiter->check("alice"));
  }
  EXPECT_EQ(command({"ZCARD", "app:ratelimit:ai:alice"}), "6");
}

TEST_F(RedisRateLimiterTest, AKeyThatHoldsSomethingElseIsAnErrorOfItsOwn) {
  command({"SET", "app:ratelimit:ai:alice", "something else"});
  const auto limiter = makeRateLimiter(log_, {.name = "ai", .limit = 10}, "app").value();
  EXPECT_THAT(limiter->check("alice"),
              StatusIs(absl::StatusCode::kInternal, Not(HasSubstr("alice"))));
  const std::vector<RateLimitCheck> both{{limiter.get(), "alice"}, {limiter.get(), "bob"}};
  const auto decisions = checkAll(both);
  EXPECT_THAT(decisions[0], StatusIs(absl::StatusCode::kInternal));
  ASSERT_OK(decisions[1]);
  EXPECT_TRUE(decisions[1]->allowed);
  EXPECT_EQ(command({"GET", "app:ratelimit:ai:alice"}), "something else");
}

// The script's first write only removes, and after that Redis lets the others pass.
TEST_F(RedisRateLimiterTest, LimitsAreKeptWhereTheServerIsOutOfMemory) {
  const auto limiter = makeRateLimiter(log_, {.name = "ai", .limit = 2}, "app").value();
  command({"CONFIG", "SET", "maxmemory", "1"});
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK_AND_ASSIGN(const RateLimitDecision decision, limiter->check("alice"));
    EXPECT_EQ(decision.allowed, i < 2);
  }
  command({"CONFIG", "SET", "maxmemory", "0"});
}

TEST_F(RedisRateLimiterTest, AReplicaIsNotAskedEvenWhereItWouldDeny) {
  const auto servers = testing::LocalServers::start({.redis = true}).value();
  testing::LocalRedis& demoted = servers->redis();
  const auto limiter =
      makeRateLimiter(logOf(demoted.url()), {.name = "ai", .limit = 1}, "app").value();
  ASSERT_OK(limiter->check("alice"));
  EXPECT_FALSE(limiter->check("alice")->allowed);
  ASSERT_OK(
      demoted.command({"REPLICAOF", "127.0.0.1", std::to_string(sharedServers().redis().port())}));
  EXPECT_THAT(limiter->check("alice"), Not(testing::IsOk()));
  EXPECT_EQ(limiter->healthCheck().state, HealthState::kFail);
}

// B-84
TEST_F(RedisRateLimiterTest, ACallCountsForItsWholeWindowByTheServersClock) {
  const std::string key = "app:ratelimit:ai:alice";
  const auto limiter = makeRateLimiter(log_, {.name = "ai", .limit = 1}, "app").value();
  const std::int64_t now = serverMicros();
  // A minute ago, and so gone.
  command({"ZADD", key, micros(now - 60'000'000), micros(now - 60'000'000)});
  EXPECT_TRUE(limiter->check("alice")->allowed);
  EXPECT_EQ(command({"ZCARD", key}), "1");
  // Nearly a minute ago.
  command({"DEL", key});
  command({"ZADD", key, micros(now - 30'000'000), micros(now - 30'000'000)});
  ASSERT_OK_AND_ASSIGN(const RateLimitDecision denied, limiter->check("alice"));
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.reset_at.time_since_epoch().count(), now + 30'000'000);
  EXPECT_LE(denied.retry_after, absl::Seconds(30));
  EXPECT_GT(denied.retry_after, absl::Seconds(20));
}

TEST_F(RedisRateLimiterTest, AServerClockThatIsSetBackFreesWhatItCannotWaitFor) {
  const std::string key = "app:ratelimit:ai:alice";
  const auto limiter = makeRateLimiter(log_, {.name = "ai", .limit = 2}, "app").value();
  const std::int64_t now = serverMicros();
  // Two hours ahead, half a minute ahead.
  command({"ZADD", key, micros(now + 7'200'000'000), micros(now + 7'200'000'000)});
  command({"ZADD", key, micros(now + 30'000'000), micros(now + 30'000'000)});
  ASSERT_OK_AND_ASSIGN(const RateLimitDecision second, limiter->check("alice"));
  EXPECT_TRUE(second.allowed);
  EXPECT_EQ(second.remaining, 0);
  EXPECT_FALSE(limiter->check("alice")->allowed);
  // It was recorded after the other one, for the key's time never goes back.
  EXPECT_EQ(command({"ZRANGE", key, "-1", "-1"}), micros(now + 30'000'001));
  EXPECT_GT(std::stoi(command({"PTTL", key})), 80'000);
}

// B-87
TEST_F(RedisRateLimiterTest, ClientsWhoseClocksAreOffByAnHourAreLimitedAlike) {
  testing::FakeClock ahead;
  testing::FakeClock behind;
  const Timestamp now = Clock::system().wallTime();
  ahead.setWallTime(now + std::chrono::hours(1));
  behind.setWallTime(now - std::chrono::hours(1));
  std::vector<std::unique_ptr<RateLimiter>> limiters;
  for (const Clock* clock :
       {static_cast<const Clock*>(&ahead), &Clock::system(), static_cast<const Clock*>(&behind)}) {
    limiters.push_back(makeRateLimiter(logOf(sharedServers().redis().url(), *clock),
                                       {.name = "clocks", .limit = 6}, "app")
                           .value());
  }
  std::vector<RateLimitDecision> decisions;
  for (int i = 0; i < 9; ++i) decisions.push_back(limiters[i % 3]->check("alice").value());
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(decisions[i].allowed, i < 6);
    EXPECT_EQ(decisions[i].reset_at, decisions[0].reset_at);
  }
  for (int i = 6; i < 9; ++i) {
    EXPECT_LE(decisions[i].retry_after, absl::Minutes(1));
    EXPECT_GT(decisions[i].retry_after, absl::Seconds(30));
  }
}

TEST_F(RedisRateLimiterTest, SeveralLimitsTakeOneRoundTrip) {
  const auto by_user = makeRateLimiter(log_, {.name = "write", .limit = 30}, "app").value();
  const auto by_address = makeRateLimiter(log_, {.name = "global", .limit = 100}, "app").value();
  const std::vector<RateLimitCheck> checks{{by_user.get(), "alice"}, {by_address.get(), "::1"}};
  for (const auto& decision : checkAll(checks)) ASSERT_OK(decision);
  const auto reads = [] {
    const std::string info = command({"INFO", "stats"});
    const std::string field = "total_reads_processed:";
    return std::stoll(info.substr(info.find(field) + field.size()));
  };
  const auto before = reads();
  const auto own = reads() - before;
  const auto from = reads();
  for (int i = 0; i < 10; ++i) checkAll(checks);
  EXPECT_EQ(reads() - from - own, 10);
}

TEST(RedisClusterRateLimiter, LimitsOnAllItsServersAndFollowsAKeyThatMoves) {
  const auto cluster = testing::LocalRedisCluster::start().value();
  const auto log = logOf(cluster->url());
  std::vector<std::unique_ptr<RateLimiter>> limiters;
  std::vector<RateLimitCheck> checks;
  for (int i = 0; i < 20; ++i) {
    limiters.push_back(
        makeRateLimiter(log, {.name = "n" + std::to_string(i), .limit = 2}, "app").value());
    checks.push_back({limiters.back().get(), "alice"});
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& decision : checkAll(checks)) {
      ASSERT_OK(decision);
      EXPECT_EQ(decision->allowed, round < 2);
    }
  }
  ASSERT_OK_AND_ASSIGN(const int slot, cluster->slotOf("app:ratelimit:n0:alice"));
  ASSERT_OK_AND_ASSIGN(const std::size_t owner, cluster->ownerOf(slot));
  ASSERT_OK(cluster->moveSlot(slot, (owner + 1) % cluster->size()));
  ASSERT_OK_AND_ASSIGN(const RateLimitDecision denied, limiters[0]->check("alice"));
  EXPECT_FALSE(denied.allowed);
  EXPECT_TRUE(limiters[0]->check("bob")->allowed);
}

}  // namespace
}  // namespace strata
