// Units of work on real servers, and what happens when those go.
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "tests/factories/unit_changes_suite.h"
#include "tests/factories/unit_locks_suite.h"
#include "tests/factories/unit_of_work_suite.h"

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

Config postgresAndLru() {
  Config config = postgresOnly();
  config.cache_provider = CacheProvider::kMemory;
  return config;
}

Config postgresAndRedis() {
  Config config = postgresOnly();
  config.app = "units";
  config.cache_url = sharedServers().redis().url();
  return config;
}

INSTANTIATE_TEST_SUITE_P(OnServers, UnitOfWorkSuite,
                         ::testing::Values(UnitStack{"Postgres", postgresOnly},
                                           UnitStack{"CachingOverLru", postgresAndLru},
                                           UnitStack{"CachingOverRedis", postgresAndRedis}),
                         nameOfUnitStack);

// A connection that was in a transaction is rolled back and used again, not thrown away.
TEST(UnitOfWorkOnServers, KeepsItsConnectionAfterARollback) {
  const Backends backends = connect(postgresOnly()).value();
  auto accounts = createStore<Account>(backends).value();
  const auto connects = backends.database->stats().connects;
  for (int i = 0; i < 20; ++i) {
    auto unit = *beginUnitOfWork(backends);
    ASSERT_THAT(accounts->put({.name = "carol", .balance = i}, {.unit = unit.get()}), IsOk());
  }
  EXPECT_LE(backends.database->stats().connects, connects + 1);
  EXPECT_EQ(backends.database->stats().in_use, 0);
}

TEST(UnitOfWorkOnServers, FailsAsAWholeWhenAStatementOfItFails) {
  const Backends backends = connect(postgresOnly()).value();
  auto accounts = createStore<Account>(backends).value();
  ASSERT_THAT(backends.database->execute("ALTER TABLE unit_of_work_accounts DROP CONSTRAINT IF "
                                         "EXISTS never_13; ALTER TABLE unit_of_work_accounts ADD "
                                         "CONSTRAINT never_13 CHECK (balance <> 13)"),
              IsOk());
  auto unit = *beginUnitOfWork(backends);
  ASSERT_THAT(accounts->put({.name = "dora", .balance = 1}, {.unit = unit.get()}), IsOk());
  EXPECT_THAT(accounts->put({.name = "emil", .balance = 13}, {.unit = unit.get()}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(accounts->put({.name = "emil", .balance = 14}, {.unit = unit.get()}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(unit->commit(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(*accounts->get("dora"), nullptr);
  EXPECT_THAT(
      backends.database->execute("ALTER TABLE unit_of_work_accounts DROP CONSTRAINT never_13"),
      IsOk());
}

// An address that is taken ends the unit: PostgreSQL takes nothing more in its transaction.
TEST(UnitOfWorkOnServers, FailsWhenAUniqueValueIsRefused) {
  const Backends backends = connect(postgresOnly()).value();
  auto accounts = createStore<Account>(backends).value();
  const auto execute = [&](const char* sql) {
    ASSERT_THAT(backends.database->execute(sql), IsOk());
  };
  execute("CREATE UNIQUE INDEX one_unlucky ON unit_of_work_accounts (balance) WHERE balance = 13");
  ASSERT_THAT(accounts->put({.name = "fay", .balance = 13}), IsOk());
  auto unit = *beginUnitOfWork(backends);
  ASSERT_THAT(accounts->put({.name = "gil", .balance = 1}, {.unit = unit.get()}), IsOk());
  EXPECT_THAT(accounts->put({.name = "hal", .balance = 13}, {.unit = unit.get()}),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(accounts->put({.name = "hal", .balance = 14}, {.unit = unit.get()}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(accounts->put({.name = "gil", .balance = 2}), IsOk())
      << "it is rolled back at once, and nobody waits for it";
  EXPECT_THAT(unit->commit(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ((**accounts->get("gil")).balance, 2);
  execute("DROP INDEX one_unlucky");
}

// B-54 for a unit: nobody knows whether it was committed, so its cached copies are not believed.
TEST(UnitOfWorkOnServers, ReadsPastTheCacheWhenTheOutcomeOfItsCommitIsUnknown) {
  auto servers = LocalServers::start({.postgres = true, .redis = true, .proxied = true}).value();
  Config config;
  config.app = "units";
  config.database_url = servers->postgres().url();
  config.cache_url = servers->redis().url();
  const Backends backends = connect(config).value();
  auto accounts = createStore<Account>(backends).value();
  ASSERT_THAT(accounts->put({.name = "ann", .balance = 100}), IsOk());
  ASSERT_EQ((**accounts->get("ann")).balance, 100);
  auto unit = *beginUnitOfWork(backends);
  ASSERT_THAT(accounts->put({.name = "ann", .balance = 60}, {.unit = unit.get()}), IsOk());
  ASSERT_THAT(servers->postgres().cutOff(testing::TcpProxy::Mode::kRefuse), IsOk());
  const absl::Status outcome = unit->commit();
  EXPECT_TRUE(absl::IsUnknown(outcome) || absl::IsDeadlineExceeded(outcome)) << outcome;
  ASSERT_THAT(servers->postgres().reconnect(), IsOk());
  ASSERT_THAT(
      servers->postgres().query("UPDATE unit_of_work_accounts SET balance = 60 WHERE name = 'ann'"),
      IsOk());
  EXPECT_TRUE(eventually([&] {
    const auto account = accounts->get("ann");
    return account.ok() && (*account)->balance == 60;
  }));
}

}  // namespace
}  // namespace strata
