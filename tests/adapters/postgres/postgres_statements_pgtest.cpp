// What a session keeps prepared, and single statements that lose against another transaction.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/describe.hpp>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "adapters/postgres/client/pool.h"
#include "strata/adapters/postgres/postgres_store.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

struct Counter {
  std::string name;
  std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(Counter, (), (name, count))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Counter> {
  static constexpr auto table = "counters";
  static constexpr KeySpace keys{"pgtest", "counter"};
  static std::string id(const pgtest::Counter& counter) { return counter.name; }
};

namespace {

using pgtest::Counter;
using postgres::Connection;
using postgres::Effect;
using postgres::Statement;
using testing::IsOk;
using testing::LocalPostgres;
using testing::sharedServers;
using testing::StatusIs;

constexpr const char* kDatabase = "statements_test";

LocalPostgres& server() { return sharedServers().postgres(); }

class PostgresStatements : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto url = server().createDatabase(kDatabase);
    ASSERT_THAT(url, IsOk());
    auto pool = PostgresPool::open({.url = *url});
    ASSERT_THAT(pool, IsOk());
    pool_ = *std::move(pool);
  }

  std::shared_ptr<PostgresPool> pool_;
};

std::string one(Connection& connection, const std::string& sql) {
  const auto rows = connection.run(Statement(sql, "ask", Effect::kReads), {}, {});
  EXPECT_THAT(rows, IsOk());
  return rows.ok() ? std::string(rows->at(0, 0).value_or("NULL")) : "";
}

// Each text was prepared for good: after 6 000 of them the server's process had grown from 18 to
// 119 MB.
TEST_F(PostgresStatements, ASessionKeepsThoseThatWereUsedLast) {
  auto lease = pool_->internals().lease({});
  ASSERT_THAT(lease, IsOk());
  Connection& connection = **lease;
  const Statement often("SELECT 'often'", "ask", Effect::kReads);
  for (int i = 0; i < 6000; ++i) {
    EXPECT_EQ(one(connection, fmt::format("SELECT {}", i)), std::to_string(i));
    EXPECT_THAT(connection.run(often, {}, {}), IsOk());
  }
  const int kept = std::stoi(one(connection, "SELECT count(*) FROM pg_prepared_statements"));
  EXPECT_LE(kept, 256);
  EXPECT_GE(kept, 200);
  EXPECT_EQ(one(connection,
                "SELECT count(*) FROM pg_prepared_statements WHERE statement = $$SELECT 'often'$$"
                " AND generic_plans + custom_plans >= 6000"),
            "1");
}

TEST_F(PostgresStatements, ATransactionKeepsThemToo) {
  auto lease = pool_->internals().lease({});
  ASSERT_THAT(lease, IsOk());
  ASSERT_THAT((*lease)->begin({}), IsOk());
  for (int i = 0; i < 600; ++i) {
    EXPECT_EQ(one(**lease, fmt::format("SELECT {}", i)), std::to_string(i));
  }
  EXPECT_THAT((*lease)->script("COMMIT", "commit"), IsOk());
}

TEST_F(PostgresStatements, NoTwoSessionsUseAName) {
  std::set<std::string> names;
  std::vector<postgres::Lease> leases;
  for (int i = 0; i < 3; ++i) {
    auto lease = pool_->internals().lease({});
    ASSERT_THAT(lease, IsOk());
    leases.push_back(*std::move(lease));
    names.insert(one(*leases.back(), "SELECT name FROM pg_prepared_statements"));
  }
  EXPECT_EQ(names.size(), 3U);
  for (const std::string& name : names) EXPECT_GE(name.size(), 32U) << name;
}

TEST_F(PostgresStatements, OneThatIsRolledBackForAnothersSakeIsRepeated) {
  auto counters = PostgresStore<Counter>::create(pool_);
  ASSERT_THAT(counters, IsOk());
  // Sequences are not rolled back.
  ASSERT_THAT(
      pool_->execute("CREATE SEQUENCE tries;"
                     "CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                     " IF nextval('tries') % 3 <> 0 THEN"
                     "  RAISE EXCEPTION 'another came first' USING ERRCODE = '40001'; END IF;"
                     " RETURN NEW; END $$;"
                     "CREATE TRIGGER rival BEFORE INSERT ON counters FOR EACH ROW"
                     " EXECUTE FUNCTION fail_twice()"),
      IsOk());
  EXPECT_THAT((*counters)->put({.name = "a", .count = 1}), IsOk());
  const auto read = (*counters)->get("a");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)->count, 1);
}

TEST_F(PostgresStatements, OneThatIsAlwaysRolledBackIsGivenUp) {
  auto counters = PostgresStore<Counter>::create(pool_);
  ASSERT_THAT(counters, IsOk());
  ASSERT_THAT(
      pool_->execute("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                     " RAISE EXCEPTION 'another came first' USING ERRCODE = '40001'; END $$;"
                     "CREATE TRIGGER rival BEFORE INSERT ON counters FOR EACH ROW"
                     " EXECUTE FUNCTION fail()"),
      IsOk());
  EXPECT_THAT((*counters)->put({.name = "a", .count = 1}), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT((*counters)->get("a"), IsOk());
}

}  // namespace
}  // namespace strata
