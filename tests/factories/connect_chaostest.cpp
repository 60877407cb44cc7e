// What connect and createStore do with real servers: the stack they build, and clear errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <set>
#include <sstream>

#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/context_builder_factory.h"
#include "strata/factories/conversation_config_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/factories/policy_store_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/factories/validation_cache_factory.h"
#include "strata/stores/rate_limits/platform_rate_limits.h"
#include "strata/strata.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalServers;
using ::testing::Not;
using testing::sharedServers;
using testing::StatusIs;

struct Flag {
  std::string name;
  bool enabled = false;
};
BOOST_DESCRIBE_STRUCT(Flag, (), (name, enabled))

}  // namespace

template <>
struct Entity<Flag> {
  static constexpr auto table = "connect_chaostest_flags";
  static constexpr KeySpace keys{"flags", "flag"};
  static std::string id(const Flag& flag) { return flag.name; }
};

namespace {

Config onServers() {
  Config config;
  config.app = "connect";
  config.database_url = sharedServers().postgres().url();
  config.cache_url = sharedServers().redis().url();
  return config;
}

std::int64_t redisConnections() {
  const std::string info = *sharedServers().redis().command({"INFO", "stats"});
  const std::string field = "total_connections_received:";
  return std::stoll(info.substr(info.find(field) + field.size()));
}

// B-68
TEST(Connect, BuildsCachingOverPostgresAndReportsEachPart) {
  const auto backends = connect(onServers());
  ASSERT_THAT(backends, IsOk());
  auto flags = createStore<Flag>(*backends).value();
  const Health health = flags->healthCheck();
  EXPECT_EQ(health.state, HealthState::kPass) << describe(health);
  EXPECT_EQ(health.backend, "postgres");
  ASSERT_EQ(health.children.size(), 1U);
  EXPECT_EQ(health.children[0].backend, "redis");
  EXPECT_GT(health.latency, absl::ZeroDuration());
  EXPECT_EQ(healthCheck(*backends).state, HealthState::kPass);
}

// Reports each part whose backend is none of the words that health may use.
void checkBackendWords(const Health& health) {
  static const std::set<std::string> kWords{"postgres", "redis", "upstash", "in-memory", "none"};
  EXPECT_TRUE(kWords.contains(health.backend)) << describe(health);
  for (const Health& child : health.children) checkBackendWords(child);
}

// The context builder called its backend "stores", and a cache whose breaker was open "cache".
TEST(Connect, NamesBackendsByTheSameFiveWordsInEveryComponent) {
  for (const Config& config : {onServers(), Config{}}) {
    const auto backends = connect(config);
    ASSERT_THAT(backends, IsOk());
    const auto stores = createClarifyStores(*backends);
    ASSERT_THAT(stores, IsOk());
    checkBackendWords(healthCheck(*backends));
    checkBackendWords((*createStore<Flag>(*backends))->healthCheck());
    checkBackendWords((*createContextBuilder(*backends, stores->sources))->healthCheck());
    checkBackendWords((*createEventHub(*backends))->healthCheck());
    checkBackendWords((*createRateLimiter(*backends, {.limit = aiRateLimit()}))->healthCheck());
    checkBackendWords((*createValidationCache(*backends))->healthCheck());
  }
}

// The breakers of limits and validations could not be reached, that of the cache by a cast alone.
TEST(Connect, LetsAnOperatorWorkTheBreakerOfEachComponent) {
  const auto backends = connect(onServers());
  ASSERT_THAT(backends, IsOk());
  EXPECT_TRUE(cacheEnabled(*backends));
  const auto limiter = createRateLimiter(*backends, {.limit = aiRateLimit()});
  const auto validations = createValidationCache(*backends);
  const auto hub = createEventHub(*backends);
  for (CircuitBreaker* const breaker : {&backends->cache->breaker(), (*limiter)->breaker(),
                                        (*validations)->breaker(), (*hub)->breaker()}) {
    ASSERT_NE(breaker, nullptr);
    EXPECT_EQ(breaker->status().state, CircuitBreaker::State::kClosed);
  }

  (*limiter)->breaker()->forceOpen();
  EXPECT_TRUE((*limiter)->check("someone")->degraded);
  (*limiter)->breaker()->reset();
  EXPECT_FALSE((*limiter)->check("someone")->degraded);

  const auto in_memory = connect({});
  EXPECT_FALSE(cacheEnabled(*in_memory));
  EXPECT_EQ((*createRateLimiter(*in_memory, {.limit = aiRateLimit()}))->breaker(), nullptr);
  EXPECT_EQ((*createValidationCache(*in_memory))->breaker(), nullptr);
  EXPECT_EQ((*createEventHub(*in_memory))->breaker(), nullptr);
}

// Deletions that were pending while it was forced open are made when it is reset, without a probe.
TEST(Connect, ReadsNothingOldAfterAnOperatorHadOpenedTheCache) {
  const auto backends = connect(onServers());
  ASSERT_THAT(backends, IsOk());
  auto flags = createStore<Flag>(*backends).value();
  ASSERT_THAT(flags->put({"operated", false}), IsOk());
  for (int i = 0; i < 3; ++i) ASSERT_FALSE((**flags->get("operated")).enabled);

  backends->cache->breaker().forceOpen();
  ASSERT_THAT(flags->put({"operated", true}), IsOk());
  EXPECT_TRUE((**flags->get("operated")).enabled);
  EXPECT_EQ(backends->cache->pendingDeletes(), 1U);
  backends->cache->breaker().reset();
  EXPECT_TRUE((**flags->get("operated")).enabled);
  EXPECT_TRUE(testing::eventually([&] { return backends->cache->pendingDeletes() == 0; }));
  EXPECT_TRUE((**flags->get("operated")).enabled);
}

std::string keysLike(const std::string& pattern) {
  return *sharedServers().redis().command({"KEYS", pattern});
}

Config withoutAnApp() {
  Config config = onServers();
  config.app.clear();
  return config;
}

TEST(ConnectApp, HasToBeSetForAStoreOfAUsersTypeOnACacheServer) {
  const auto backends = connect(withoutAnApp());
  ASSERT_THAT(backends, IsOk()) << "connect cannot know which stores will be made";
  for (const bool enable_cache : {true, false}) {
    EXPECT_THAT(createStore<Flag>(*backends, {.enable_cache = enable_cache}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::AllOf(HasSubstr("connect_chaostest_flags"),
                                          HasSubstr("STRATA_APP"), HasSubstr("Config::app"))));
  }
  Config uncached = withoutAnApp();
  uncached.enable_redis_caching = false;
  EXPECT_THAT(createStore<Flag>(uncached), IsOk());
}

TEST(ConnectApp, KeepsTwoApplicationsOfOneServerApart) {
  Config shop = onServers();
  shop.app = "shop";
  Config bank = onServers();
  bank.app = "bank";
  auto here = createStore<Flag>(shop).value();
  auto there = createStore<Flag>(bank).value();
  ASSERT_THAT(here->put({"apart", true}), IsOk());
  // The first get may find the incarnation of the server not known yet and fill nothing.
  for (int i = 0; i < 2; ++i) ASSERT_THAT(here->get("apart"), IsOk());
  EXPECT_EQ(keysLike("*:flags:flag:apart"), "shop:flags:flag:apart");
  for (int i = 0; i < 2; ++i) ASSERT_THAT(there->get("apart"), IsOk());
  EXPECT_EQ(keysLike("bank:*:apart"), "bank:flags:flag:apart");
}

TEST(ConnectApp, NeedNotBeSetForTheDomainStores) {
  const std::string id = "00000000-0000-4000-8000-00000000a99a";
  const Backends backends = connect(withoutAnApp()).value();
  auto policies = createPolicyStore(backends).value();
  auto configs = createConversationConfigStore(backends).value();
  auto verdicts = createValidationCache(backends).value();
  ASSERT_THAT(createConversationStore(backends), IsOk());
  const auto clarify = createClarifyStores(backends).value();
  ASSERT_THAT(
      policies->setPolicy({.tenant_id = id, .default_model = "m", .default_provider = "local"}),
      IsOk());
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(policies->getPolicy(id), IsOk());
    ASSERT_THAT(configs->getTenantOverrides(id), IsOk());
    ASSERT_THAT(clarify.sources.dreams->get(id), IsOk());
    ASSERT_THAT(verdicts->validate(id, [] { return Validation{.is_valid = true}; }), IsOk());
  }
  EXPECT_EQ(keysLike("copilot:llm:policy:" + id), "copilot:llm:policy:" + id);
  EXPECT_EQ(keysLike("copilot:conv:config:" + id), "copilot:conv:config:" + id);
  EXPECT_EQ(keysLike("copilot:ctx:dreams:" + id), "copilot:ctx:dreams:" + id);
  EXPECT_EQ(keysLike("copilot:auth:validation:" + id), "copilot:auth:validation:" + id);
  EXPECT_EQ(keysLike("[^c]*" + id + "*"), "") << "nothing stands under another app";
}

// B-80
TEST(Connect, OpensNoConnectionToTheCacheWhenTheKillSwitchIsOff) {
  Config config = onServers();
  config.enable_redis_caching = false;
  const std::int64_t before = redisConnections();
  auto flags = createStore<Flag>(config).value();
  ASSERT_THAT(flags->put({"f", true}), IsOk());
  ASSERT_THAT(flags->get("f"), IsOk());
  EXPECT_TRUE(flags->healthCheck().children.empty());
  EXPECT_EQ(redisConnections() - before, 1) << "the one that asked";
}

// B-25
TEST(Connect, IsNoErrorWhenTheCacheIsDown) {
  Config config = onServers();
  config.cache_url = "redis://127.0.0.1:1";
  auto flags = createStore<Flag>(config);
  ASSERT_THAT(flags, IsOk());
  ASSERT_THAT((*flags)->put({"f", true}), IsOk());
  EXPECT_TRUE((**(*flags)->get("f")).enabled);
  EXPECT_EQ((*flags)->healthCheck().state, HealthState::kWarn);
}

// B-33, B-79
TEST(Connect, SaysWhatIsWrongWithTheDatabaseAndShowsNoSecret) {
  Config config;
  config.database_url = "postgresql://strata:hunter2@127.0.0.1:1/app";
  EXPECT_THAT(connect(config), StatusIs(absl::StatusCode::kUnavailable, Not(HasSubstr("hunter2"))));
  const std::string port = std::to_string(sharedServers().postgres().port());
  config.database_url = "postgresql://nobody:hunter2@127.0.0.1:" + port + "/postgres";
  EXPECT_THAT(connect(config),
              StatusIs(absl::StatusCode::kPermissionDenied, Not(HasSubstr("hunter2"))));
  config.database_url = sharedServers().postgres().url("no_such_database");
  EXPECT_THAT(connect(config),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("DATABASE_URL")));
}

// B-33, B-79
TEST(Connect, RefusesAWrongPasswordOfTheCacheAndLogsNoSecret) {
  std::ostringstream logged;
  spdlog::register_logger(std::make_shared<spdlog::logger>(
      "strata", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged)));
  auto servers = LocalServers::start({.redis = true, .redis_password = "swordfish"}).value();
  Config config = onServers();
  config.cache_url = "redis://:hunter2@127.0.0.1:" + std::to_string(servers->redis().port());
  EXPECT_THAT(connect(config),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       ::testing::AllOf(HasSubstr("REDIS_URL"), Not(HasSubstr("hunter2")))));
  config.cache_url = servers->redis().url();
  auto flags = createStore<Flag>(config).value();
  ASSERT_THAT(servers->redis().kill(), IsOk());
  ASSERT_THAT(flags->put({"f", true}), IsOk());
  EXPECT_THAT(describe(flags->healthCheck()), Not(HasSubstr("swordfish")));
  EXPECT_THAT(toJson(flags->healthCheck()), Not(HasSubstr("swordfish")));
  for (const char* id : {"a", "b", "c"}) EXPECT_THAT(flags->get(id), IsOk());
  EXPECT_THAT(logged.str(), HasSubstr("strata.breaker.transition breaker=cache to=open"));
  EXPECT_THAT(logged.str(), Not(HasSubstr("swordfish")));
  EXPECT_THAT(logged.str(), Not(HasSubstr("hunter2")));
  spdlog::drop("strata");
}

}  // namespace
}  // namespace strata
