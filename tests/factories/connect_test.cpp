// What connect and the factories build from a configuration, as far as it needs no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/strata.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

struct Flag {
  std::string name;
  bool enabled = false;
};
BOOST_DESCRIBE_STRUCT(Flag, (), (name, enabled))

}  // namespace

template <>
struct Entity<Flag> {
  static constexpr auto table = "connect_test_flags";
  static constexpr KeySpace keys{"flags", "flag"};
  static std::string id(const Flag& flag) { return flag.name; }
};

namespace {

TEST(Connect, WithoutAnyUrlKeepsStoresInTheMemoryOfTheProcess) {
  const auto a = connect({});
  const auto b = connect({});
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT((*createStore<Flag>(*a))->put({"f", true}), IsOk());
  EXPECT_TRUE((**(*createStore<Flag>(*b))->get("f")).enabled) << "one database for the process";
  EXPECT_EQ((*createStore<Flag>(*a))->healthCheck().backend, "in-memory");
  EXPECT_TRUE((*createStore<Flag>(*a))->healthCheck().children.empty()) << "no cache";
}

TEST(Connect, KeepsStoresWhereItIsTold) {
  const auto backends = connect({}, {.memory = std::make_shared<InMemoryDatabase>()});
  ASSERT_THAT(backends, IsOk());
  ASSERT_THAT((*createStore<Flag>(*backends))->put({"elsewhere", true}), IsOk());
  EXPECT_EQ(*(*createStore<Flag>(Config{}))->get("elsewhere"), nullptr);
}

TEST(Connect, UsesNoCacheServerForStoresOfThisProcess) {
  Config config;
  config.cache_url = "redis://127.0.0.1:1";  // nobody listens there, and nobody asks
  const auto backends = connect(config);
  ASSERT_THAT(backends, IsOk());
  EXPECT_EQ(backends->cache, nullptr);
  EXPECT_THAT(createStore<Flag>(*backends), IsOk()) << "and needs no app";
}

TEST(Connect, PutsTheInProcessCacheInFrontWhenAskedTo) {
  Config config;
  config.cache_provider = CacheProvider::kMemory;
  const auto metrics = std::make_shared<InMemoryMetrics>();
  const auto backends =
      connect(config, {.metrics = metrics, .memory = std::make_shared<InMemoryDatabase>()});
  ASSERT_THAT(backends, IsOk());
  auto flags = createStore<Flag>(*backends).value();
  ASSERT_THAT(flags->put({"f", true}), IsOk());
  for (int i = 0; i < 3; ++i) ASSERT_THAT(flags->get("f"), IsOk());
  EXPECT_EQ(metrics->count("strata_store_calls_total", {{"layer", "store"}, {"operation", "get"}}),
            3);
  EXPECT_EQ(
      metrics->count("strata_store_calls_total", {{"layer", "database"}, {"operation", "get"}}), 1);
  EXPECT_EQ(flags->healthCheck().children.size(), 1U);

  auto uncached = createStore<Flag>(*backends, {.enable_cache = false}).value();
  EXPECT_TRUE(uncached->healthCheck().children.empty());
}

// B-15
TEST(CreateStore, RefusesATimeToLiveThatIsNotPositiveOnEveryStack) {
  EXPECT_THAT(createStore<Flag>(Config{}, {.cache_ttl = absl::ZeroDuration()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ttl")));
}

// B-78
TEST(Connect, RefusesAConfigurationThatContradictsItself) {
  Config config;
  config.cache_provider = CacheProvider::kRedis;
  config.cache_url = "https://cache.example";
  EXPECT_THAT(connect(config), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(createCacheClient(config), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CreateCacheClient, GivesWhatTheConfigurationNames) {
  const auto backend_of = [](const Config& config) {
    const auto cache = createCacheClient(config);
    EXPECT_THAT(cache, IsOk());
    return cache.ok() ? (*cache)->healthCheck().backend : "";
  };
  Config config;
  EXPECT_EQ(backend_of(config), "in-memory");
  config.cache_provider = CacheProvider::kNone;
  EXPECT_EQ(backend_of(config), "none");
  config.cache_provider = CacheProvider::kAuto;
  config.cache_url = "redis://127.0.0.1:1";
  EXPECT_EQ(backend_of(config), "redis");
  config.cache_url = "https://127.0.0.1:1";
  config.cache_password = "token";
  EXPECT_EQ(backend_of(config), "upstash");
  config.enable_redis_caching = false;  // B-80
  EXPECT_EQ(backend_of(config), "none");
}

TEST(CreateCacheClient, RefusesAUrlOfARestCacheThatIsNoneAndQuotesNothing) {
  Config config;
  config.cache_password = "token";
  config.cache_url = "https://user:secret@cache.example";
  EXPECT_THAT(createCacheClient(config),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::Not(HasSubstr("secret"))));
}

TEST(CreateCacheClient, TakesEveryKindOfRedis) {
  Config config;
  for (const char* url :
       {"rediss://cache.example", "redis://a,b/1", "redis+sentinel://s1,s2/master",
        "rediss+sentinel://s/master/2", "redis+cluster://n1,n2", "rediss+cluster://n1"}) {
    config.cache_url = url;
    EXPECT_THAT(createCacheClient(config), IsOk()) << url;
  }
}

}  // namespace
}  // namespace strata
