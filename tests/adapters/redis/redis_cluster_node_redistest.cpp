// A node of a cluster behind a URL that does not say so: refused by everything that uses Redis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "factories/cache_server.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/adapters/redis/redis_rate_limit_log.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::AllOf;
using testing::eventually;
using ::testing::HasSubstr;
using testing::LocalRedis;
using testing::LocalRedisCluster;
using ::testing::Not;
using testing::StatusIs;

constexpr const char* kSecret = "hunter2";
constexpr absl::Duration kTimeout = absl::Seconds(2);
const CircuitBreakerOptions kImpatient{.name = "cache", .open_time = absl::Milliseconds(200)};
const CircuitBreakerOptions kImpatientLog{
    .name = "rate_limit", .failures_to_open = 2, .open_time = absl::Milliseconds(200)};

class RedisClusterNodeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = LocalRedisCluster::start({.replicas_per_master = 1, .password = kSecret});
    ASSERT_OK(started);
    the_cluster = *std::move(started);
  }
  static void TearDownTestSuite() { the_cluster.reset(); }

  static std::string hostOf(const LocalRedis& node) {
    return "127.0.0.1:" + std::to_string(node.port());
  }
  // As who pastes the address of one node.
  static std::string urlOf(const LocalRedis& node, const std::string& user = "") {
    return "redis://" + user + ":" + kSecret + "@" + hostOf(node) +
           "?connect_timeout=2s&command_timeout=2s";
  }
  static Config configFor(const std::string& url) {
    Config config;
    config.app = "shop";
    config.cache_url = url;
    return config;
  }
  static std::string adviceFor(const LocalRedis& node) { return "redis+cluster://" + hostOf(node); }
  static auto refusedWith(const std::string& advice) {
    return StatusIs(StatusCode::kFailedPrecondition,
                    AllOf(HasSubstr(advice), Not(HasSubstr(kSecret))));
  }
  // A user of every node who may not ask INFO.
  static void forbidInfo() {
    for (std::size_t i = 0; i < the_cluster->size(); ++i) {
      ASSERT_OK(
          the_cluster->node(i).command({"ACL", "SETUSER", "blind", "on", std::string(">") + kSecret,
                                        "~*", "&*", "+@all", "-info"}));
    }
  }
  // A key that another node has.
  static std::string keyElsewhere() {
    for (int i = 0;; ++i) {
      std::string key = "key" + std::to_string(i);
      const int slot = the_cluster->slotOf(key).value();
      if (the_cluster->ownerOf(slot).value() != 0) return key;
    }
  }

  inline static std::unique_ptr<LocalRedisCluster> the_cluster;
};

// Half of the keys were never cached, half of the users not limited, and all health was well.
// B-33
TEST_F(RedisClusterNodeTest, IsRefusedAtTheStartWithTheUrlToUse) {
  for (const std::size_t index : {0UL, 3UL}) {  // a master, and a replica
    const LocalRedis& node = the_cluster->node(index);
    const Backends backends{.config = configFor(urlOf(node))};
    const auto refused = refusedWith(adviceFor(node));
    EXPECT_THAT(internal::openCache(backends, kImpatient), refused);
    EXPECT_THAT(createRateLimiter(backends, {.limit = {.name = "search"}}), refused);
    EXPECT_THAT(createEventHub(backends), refused);
  }
}

TEST_F(RedisClusterNodeTest, AUrlForClustersIsWhatItIsToldToBe) {
  const LocalRedis& node = the_cluster->node(0);
  const auto cache = RedisCache::create({.url = adviceFor(node),
                                         .password = kSecret,
                                         .connect_timeout = kTimeout,
                                         .command_timeout = kTimeout})
                         .value();
  for (int i = 0; i < 20; ++i) {
    EXPECT_OK(cache->set("key" + std::to_string(i), "x", absl::Hours(1)));
  }
  EXPECT_OK(cache->ping());
}

// B-28, B-33
TEST_F(RedisClusterNodeTest, ThatIsMetOnlyLaterIsDownAndHealthSaysWhy) {
  LocalRedis& node = the_cluster->node(0);
  const Backends backends{.config = configFor(urlOf(node))};
  ASSERT_OK(node.stop());
  ASSERT_OK_AND_ASSIGN(const auto cache, internal::openCache(backends, kImpatient));
  ASSERT_OK_AND_ASSIGN(const auto log, createRateLimitLog(backends, kImpatientLog));
  ASSERT_OK_AND_ASSIGN(const auto limiter,
                       createRateLimiter(backends, log, {.limit = {.name = "search"}}));
  ASSERT_OK(node.start());
  const auto says_why = [&](const Health& health, HealthState state) {
    return health.state == state && health.error.find(adviceFor(node)) != std::string::npos;
  };
  EXPECT_TRUE(eventually([&] { return says_why(cache->healthCheck(), HealthState::kFail); }));
  EXPECT_TRUE(eventually([&] { return says_why(limiter->healthCheck(), HealthState::kWarn); }));
  EXPECT_TRUE(eventually([&] { return absl::IsUnavailable(cache->get("a").status()); }));
  EXPECT_TRUE(says_why(cache->healthCheck(), HealthState::kFail)) << "with an open breaker, too";
  EXPECT_TRUE(limiter->check("alice")->degraded);
}

// Without INFO only a key of another node shows it; from then on nothing is asked of this one.
TEST_F(RedisClusterNodeTest, ThatRefusesInfoIsFoundOutByTheFirstKeyOfAnotherNode) {
  forbidInfo();
  const LocalRedis& node = the_cluster->node(0);
  const auto refused = refusedWith(adviceFor(node));
  const RedisOptions options{.url = urlOf(node, "blind")};
  const std::string elsewhere = keyElsewhere();

  const auto cache = RedisCache::create(options).value();
  const LeaseRequest lease{elsewhere, "L"};
  EXPECT_THAT(cache->getOrLease({&lease, 1}, absl::Hours(1)).front(), refused);
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_THAT(cache->get(key), refused) << key;
  EXPECT_THAT(cache->ping(), refused);
  EXPECT_EQ(cache->healthCheck().state, HealthState::kFail);

  const auto log = RedisRateLimitLog::create(options).value();
  const RateLimitLog::Call call{.key = elsewhere, .limit = 1, .window = absl::Minutes(1)};
  EXPECT_THAT(log->record({&call, 1}).front(), refused);
  EXPECT_THAT(log->ping(), refused);
}

// Several keys of one command on several nodes are told by another word.
TEST_F(RedisClusterNodeTest, ThatRefusesInfoIsFoundOutByKeysOfSeveralSlots) {
  forbidInfo();
  const LocalRedis& node = the_cluster->node(0);
  const auto cache = RedisCache::create({.url = urlOf(node, "blind")}).value();
  EXPECT_THAT(cache->getMany(std::vector<std::string>{"a", "b", "c"}).front(),
              refusedWith(adviceFor(node)));
}

}  // namespace
}  // namespace strata
