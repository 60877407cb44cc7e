// createConversationConfigStore on real servers: the suite, what the database itself refuses, and
// readers of every level while the global one changes.
#include <atomic>
#include <thread>

#include "strata/factories/conversation_config_store_factory.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"
#include "tests/stores/conversation_config/conversation_config_suite.h"

namespace strata {
namespace {

using testing::sharedServers;

constexpr const char* kTenant = "11111111-2222-4333-8444-555555555555";
constexpr const char* kUser = "11111111-2222-4333-8444-666666666666";

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

ConfigStores ofTwoProcesses(const Config& config) {
  return {*createConversationConfigStore(config), *createConversationConfigStore(config)};
}

ConfigStores onPostgres() { return ofTwoProcesses(postgresOnly()); }
ConfigStores onPostgresAndRedis() { return ofTwoProcesses(postgresAndRedis()); }
ConfigStores onPostgresAndLru() {
  Config config = postgresOnly();
  config.cache_provider = CacheProvider::kMemory;
  const auto backends = connect(config);
  EXPECT_THAT(backends, IsOk());
  return {*createConversationConfigStore(*backends), *createConversationConfigStore(*backends)};
}

INSTANTIATE_TEST_SUITE_P(OnServers, ConversationConfigSuite,
                         ::testing::Values(ConfigStack{"Postgres", onPostgres},
                                           ConfigStack{"CachingOverLru", onPostgresAndLru},
                                           ConfigStack{"CachingOverRedis", onPostgresAndRedis}),
                         nameOfStack);

TEST(ConversationConfigOnServers, IsOneLookupInRedisAndNoQueryWhenItIsWarm) {
  const auto metrics = std::make_shared<InMemoryMetrics>();
  const auto backends = connect(postgresAndRedis(), {.metrics = metrics});
  ASSERT_THAT(backends, IsOk());
  const auto store = createConversationConfigStore(*backends).value();
  ASSERT_THAT(store->getConfig(kTenant, kUser), IsOk());
  const auto queries = [&] {
    return metrics->summary("strata_store_latency_seconds", {{"layer", "database"}}).count;
  };
  const auto lookups = [&] { return metrics->summary("strata_cache_lookup_seconds").count; };
  EXPECT_EQ(queries(), 1) << "for all three levels";
  EXPECT_EQ(lookups(), 1);
  EXPECT_THAT(store->getConfig(kTenant, kUser), IsOkAndHolds(ConversationConfig{}));
  EXPECT_EQ(queries(), 1);
  EXPECT_EQ(lookups(), 2);
  EXPECT_EQ(metrics->count("strata_cache_negative_hits_total"), 3);
}

// B-49, B-59: no reader of any level that starts after an acknowledged global write sees anything
// older.
TEST(ConversationConfigOnServers, NeverAnswersOlderThanAnAcknowledgedGlobalWrite) {
  const ConfigStores stores = onPostgresAndRedis();
  std::atomic<std::int32_t> acknowledged{0};
  std::atomic<bool> done{false};
  std::atomic<int> stale{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&, i] {
      const std::string tenant = "11111111-2222-4333-8444-00000000000" + std::to_string(i % 2);
      while (!done) {
        const std::int32_t floor = acknowledged;
        const auto config =
            i < 2 ? stores.one->getConfig(tenant, kUser) : stores.other->getConfig(tenant);
        if (!config.ok() || config->compaction_interval_minutes < floor) ++stale;
      }
    });
  }
  for (std::int32_t i = 1; i <= 300; ++i) {
    EXPECT_THAT(stores.one->setGlobalConfig({.compaction_interval_minutes = i}), IsOk());
    acknowledged = i;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(stale, 0);
  EXPECT_THAT(stores.one->deleteGlobalConfig(), IsOk());
}

// ---- What the table itself does not take ----

class ConversationConfigTable : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(createConversationConfigStore(postgresOnly()), IsOk()); }

  // Nothing of the script stays: where its end is reached it is undone there.
  static absl::Status run(const std::string& sql) {
    return sharedServers().postgres().query("BEGIN; " + sql + "; ROLLBACK").status();
  }
  static std::string row(const std::string& id, const std::string& level, const std::string& tenant,
                         const std::string& user) {
    return "INSERT INTO conversation_configs (id, level, tenant_id, user_id) VALUES (" + id + ", " +
           level + ", " + tenant + ", " + user + ")";
  }
  static auto refusedBy(const std::string& constraint) {
    return StatusIs(absl::StatusCode::kInternal, HasSubstr(constraint));
  }

  const std::string tenant_ = std::string("'") + kTenant + "'";
  const std::string user_ = std::string("'") + kUser + "'";
  const std::string both_ = tenant_ + " || ':' || " + user_;
};

TEST_F(ConversationConfigTable, TakesOneRowForEachScopeAndNoSecond) {
  const std::string unique = "conversation_configs_one_per_scope";
  // Without it only the key would tell two rows of a scope apart.
  const std::string any_id =
      "ALTER TABLE conversation_configs DROP CONSTRAINT conversation_configs_id_names_scope; ";
  const std::array<std::array<std::string, 4>, 3> scopes = {{
      {"'global'", "'global'", "NULL", "NULL"},
      {tenant_, "'tenant'", tenant_, "NULL"},
      {both_, "'user'", tenant_, user_},
  }};
  for (const auto& [id, level, tenant, user] : scopes) {
    EXPECT_THAT(run(row(id, level, tenant, user)), IsOk());
    EXPECT_THAT(
        run(any_id + row("'a'", level, tenant, user) + "; " + row("'b'", level, tenant, user)),
        refusedBy(unique))
        << level;
  }
}

TEST_F(ConversationConfigTable, TakesNoScopeThatDoesNotFitItsLevel) {
  const std::string constraint = "conversation_configs_scope_fits_level";
  EXPECT_THAT(run(row("'global'", "'global'", tenant_, "NULL")), refusedBy(constraint));
  EXPECT_THAT(run(row("'global'", "'global'", "NULL", user_)), refusedBy(constraint));
  EXPECT_THAT(run(row(tenant_, "'tenant'", tenant_, user_)), refusedBy(constraint));
  EXPECT_THAT(run(row(tenant_, "'tenant'", "NULL", "NULL")), refusedBy(constraint));
  EXPECT_THAT(run(row(both_, "'user'", "NULL", user_)), refusedBy(constraint));
  EXPECT_THAT(run(row(both_, "'user'", tenant_, "NULL")), refusedBy(constraint));
}

TEST_F(ConversationConfigTable, TakesNoRowUnderTheIdOfAnotherScope) {
  const std::string constraint = "conversation_configs_id_names_scope";
  EXPECT_THAT(run(row("'globe'", "'global'", "NULL", "NULL")), refusedBy(constraint));
  EXPECT_THAT(run(row(user_, "'tenant'", tenant_, "NULL")), refusedBy(constraint));
  EXPECT_THAT(run(row(tenant_, "'user'", tenant_, user_)), refusedBy(constraint));
}

TEST_F(ConversationConfigTable, TakesNoSettingOutOfItsRange) {
  const std::string rows = row("'global'", "'global'", "NULL", "NULL");
  const auto with = [&](const std::string& field, const std::string& value) {
    return run(rows + "; UPDATE conversation_configs SET " + field + " = " + value);
  };
  const auto expect_refused = [&](const std::string& field, const std::string& value) {
    EXPECT_THAT(with(field, value), refusedBy("conversation_configs_" + field + "_check")) << value;
  };
  for (const char* count : {"merge_max_messages", "path_max_messages", "path_sliding_window_size",
                            "compaction_interval_minutes"}) {
    expect_refused(count, "0");
    EXPECT_THAT(with(count, "1"), IsOk());
  }
  for (const char* share : {"0", "1.01", "'NaN'"}) {
    expect_refused("path_compression_threshold", share);
  }
  EXPECT_THAT(with("path_compression_threshold", "1"), IsOk());
  expect_refused("merge_compression_strategy", "'sliding_window'");
  expect_refused("path_compression_strategy", "'moderate'");
  EXPECT_THAT(with("level", "'everybody'"), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace strata
