// createPolicyStore on real servers, and what happens when they go.
#include <thread>

#include "strata/factories/policy_store_factory.h"
#include "strata/strata.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "tests/stores/policy/policy_store_suite.h"

namespace strata {
namespace {

using testing::eventually;
using testing::LocalServers;
using testing::sharedServers;

Config postgresOnly() {
  Config config;
  config.database_url = sharedServers().postgres().url();
  return config;
}

Config postgresAndRedis() {
  Config config = postgresOnly();
  config.cache_url = sharedServers().redis().url();
  return config;
}

Config postgresAndLru() {
  Config config = postgresOnly();
  config.cache_provider = CacheProvider::kMemory;
  return config;
}

std::function<std::unique_ptr<PolicyStore>()> onConfig(Config (*config)()) {
  return [config] {
    auto store = createPolicyStore(config());
    EXPECT_THAT(store, IsOk());
    return *std::move(store);
  };
}

INSTANTIATE_TEST_SUITE_P(OnServers, PolicyStoreSuite,
                         ::testing::Values(PolicyStack{"Postgres", onConfig(postgresOnly)},
                                           PolicyStack{"CachingOverLru", onConfig(postgresAndLru)},
                                           PolicyStack{"CachingOverRedis",
                                                       onConfig(postgresAndRedis)}),
                         nameOfStack);

TenantLlmPolicy policyOf(const std::string& tenant, const std::string& model) {
  return {.tenant_id = tenant, .default_model = model, .default_provider = "local"};
}

constexpr const char* kTenant = "11111111-2222-4333-8444-555555555555";

std::string modelOf(PolicyStore& store) {
  const auto policy = store.getPolicy(kTenant);
  EXPECT_THAT(policy, IsOk());
  return policy.ok() && *policy != nullptr ? (*policy)->default_model : "none";
}

// B-25, B-28, B-29, B-69
TEST(PolicyStoreOnServers, GoesOnWithoutRedisAndNeverAnswersAnOldPolicyAfterItIsBack) {
  auto servers = LocalServers::start({.redis = true}).value();
  Config config = postgresOnly();
  config.cache_url = servers->redis().url();
  auto store = createPolicyStore(config).value();
  ASSERT_THAT(store->setPolicy(policyOf(kTenant, "one")), IsOk());
  EXPECT_EQ(modelOf(*store), "one");
  EXPECT_EQ(modelOf(*store), "one");
  ASSERT_THAT(servers->redis().save(), IsOk());  // with the cached policy in it
  ASSERT_THAT(servers->redis().kill(), IsOk());

  EXPECT_EQ(modelOf(*store), "one");
  ASSERT_THAT(store->setPolicy(policyOf(kTenant, "two")), IsOk());
  EXPECT_EQ(modelOf(*store), "two");
  EXPECT_EQ(store->healthCheck().state, HealthState::kWarn);

  ASSERT_THAT(servers->redis().start(), IsOk());
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(modelOf(*store), "two");
    return store->healthCheck().state == HealthState::kPass;
  }));
  EXPECT_EQ(modelOf(*store), "two");
}

// A call costs at most the cache's timeouts, and after three of them nothing.
TEST(PolicyStoreOnServers, AnswersFromTheDatabaseWhileRedisHangs) {
  auto servers = LocalServers::start({.redis = true}).value();
  Config config = postgresOnly();
  config.cache_url = servers->redis().url();
  auto store = createPolicyStore(config).value();
  ASSERT_THAT(store->setPolicy(policyOf(kTenant, "one")), IsOk());
  ASSERT_THAT(servers->redis().freeze(), IsOk());
  const MonotonicTime start = Clock::system().now();
  EXPECT_EQ(modelOf(*store), "one");
  EXPECT_LT(Clock::system().now() - start, absl::Seconds(2));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(modelOf(*store), "one");
  const MonotonicTime open = Clock::system().now();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(modelOf(*store), "one");
  EXPECT_LT(Clock::system().now() - open, absl::Seconds(2)) << "timeouts alone would be 5 s";
  ASSERT_THAT(servers->redis().resume(), IsOk());
}

// B-31
TEST(PolicyStoreOnServers, ServesFromTheDatabaseAfterFlushAllAndWhenRedisIsFull) {
  auto servers = LocalServers::start({.redis = true}).value();
  Config config = postgresOnly();
  config.cache_url = servers->redis().url();
  auto store = createPolicyStore(config).value();
  ASSERT_THAT(store->setPolicy(policyOf(kTenant, "one")), IsOk());
  EXPECT_EQ(modelOf(*store), "one");
  ASSERT_THAT(servers->redis().command({"FLUSHALL"}), IsOk());
  EXPECT_EQ(modelOf(*store), "one");
  ASSERT_THAT(servers->redis().command({"CONFIG", "SET", "maxmemory", "1"}), IsOk());
  EXPECT_EQ(modelOf(*store), "one");
  ASSERT_THAT(store->setPolicy(policyOf(kTenant, "two")), IsOk());
  EXPECT_EQ(modelOf(*store), "two");
  ASSERT_THAT(servers->redis().command({"CONFIG", "SET", "maxmemory", "0"}), IsOk());
  EXPECT_EQ(modelOf(*store), "two");
}

// B-32
TEST(PolicyStoreOnServers, TakesAReplicaForACacheThatIsDown) {
  auto servers = LocalServers::start({.redis = true}).value();
  Config config = postgresOnly();
  config.cache_url = servers->redis().url();
  auto store = createPolicyStore(config).value();
  ASSERT_THAT(store->setPolicy(policyOf(kTenant, "one")), IsOk());
  EXPECT_EQ(modelOf(*store), "one");
  ASSERT_THAT(servers->redis().command({"REPLICAOF", "127.0.0.1", "1"}), IsOk());
  EXPECT_EQ(modelOf(*store), "one");
  ASSERT_THAT(store->setPolicy(policyOf(kTenant, "two")), IsOk());
  EXPECT_EQ(modelOf(*store), "two");
}

// B-70
TEST(PolicyStoreOnServers, FailsItsHealthCheckWithoutPostgres) {
  auto servers = LocalServers::start({.postgres = true}).value();
  Config config;
  config.database_url = servers->postgres().url();
  auto store = createPolicyStore(config).value();
  EXPECT_TRUE(store->healthCheck().healthy());
  ASSERT_THAT(servers->postgres().kill(), IsOk());
  EXPECT_FALSE(store->healthCheck().healthy());
  EXPECT_FALSE(store->getPolicy(kTenant).ok());
  ASSERT_THAT(servers->postgres().start(), IsOk());
  EXPECT_TRUE(eventually([&] { return store->healthCheck().healthy(); }));
}

// B-49 with real servers: readers and a writer at full speed, and no reader that starts after an
// acknowledged write sees anything older.
TEST(PolicyStoreOnServers, NeverAnswersOlderThanAnAcknowledgedWrite) {
  auto reading = createPolicyStore(postgresAndRedis()).value();
  auto writing =
      createPolicyStore(postgresAndRedis()).value();  // a client of its own, as another process
  std::atomic<std::int64_t> acknowledged{writing->setPolicy(policyOf(kTenant, "0"))->value()};
  std::atomic<bool> done{false};
  std::atomic<int> stale{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const std::int64_t floor = acknowledged;
        const auto policy = reading->getPolicy(kTenant);
        if (!policy.ok() || *policy == nullptr || policy->version().value() < floor) ++stale;
      }
    });
  }
  for (int i = 1; i <= 500; ++i) {
    acknowledged = writing->setPolicy(policyOf(kTenant, std::to_string(i)))->value();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(stale, 0);
}

}  // namespace
}  // namespace strata
