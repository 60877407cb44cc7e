// Changes of a table that others are reading.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <boost/describe.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/postgres/schema/schema.h"
#include "strata/adapters/postgres/migrations.h"
#include "strata/adapters/postgres/postgres_store.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

struct Order {
  std::string id;
  std::string note;
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, note))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Order> {
  static constexpr auto table = "shop.orders";
  static constexpr KeySpace keys{"pgtest", "order"};
  static std::string id(const pgtest::Order& order) { return order.id; }
};

namespace {

using pgtest::Order;
using ::testing::AllOf;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using ::testing::Not;
using testing::sharedServers;
using testing::StatusIs;

constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
constexpr Migration kAddNote[] = {
    {"shop", 1, "add_note",
     "INSERT INTO shop.orders (id) VALUES ('first'); ALTER TABLE shop.orders ADD note text"}};

// A session of somebody else, in a transaction until it ends.
class Reader {
 public:
  Reader(const std::string& url, const std::string& sql)
      : connection_(PQconnectdb((url + "&application_name=reports").c_str()), &PQfinish) {
    run("BEGIN");
    run(sql);
  }
  void end() { run("COMMIT"); }
  std::string pid() const { return std::to_string(PQbackendPID(connection_.get())); }

 private:
  void run(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_.get(), sql.c_str()), &PQclear);
    EXPECT_NE(PQresultStatus(result.get()), PGRES_FATAL_ERROR) << PQerrorMessage(connection_.get());
  }

  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

class SchemaLocksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto url = server().createDatabase("locks_test");
    ASSERT_THAT(url, IsOk());
    url_ = *std::move(url);
    query(
        "CREATE SCHEMA shop; CREATE SEQUENCE strata_row_version;"
        "CREATE TABLE shop.orders (id text PRIMARY KEY,"
        " row_version bigint NOT NULL DEFAULT nextval('strata_row_version'))");
    pool_ = open({.url = url_});
  }

  static LocalPostgres& server() { return sharedServers().postgres(); }
  static std::shared_ptr<PostgresPool> open(const PostgresOptions& options) {
    auto pool = PostgresPool::open(options);
    EXPECT_THAT(pool, IsOk());
    return *std::move(pool);
  }
  std::string query(const std::string& sql) {
    const auto rows = server().query(sql, "locks_test");
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows.ok() && !rows->empty() ? (*rows)[0][0].value_or("NULL") : "";
  }
  Reader readOrders() { return Reader(url_, "SELECT id AS s3cret FROM shop.orders"); }
  bool waitsForOrders() {
    return query(
               "SELECT count(*) FROM pg_locks WHERE NOT granted"
               " AND relation = 'shop.orders'::regclass") != "0";
  }
  // While `change` runs and waits, whoever reads the table is served: the reader that it waits for
  // ends only after that.
  void expectReadersGoOn(absl::FunctionRef<absl::Status()> change) {
    Reader reader = readOrders();
    absl::Status changed = absl::UnknownError("not ended");
    std::thread changer([&] { changed = change(); });
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(eventually([&] { return waitsForOrders(); }));
      query("SELECT count(*) FROM shop.orders");
    }
    reader.end();
    changer.join();
    EXPECT_THAT(changed, IsOk());
  }
  absl::Status ensureWithin(absl::Duration patience) {
    return postgres::ensureTable(pool_->internals(), entityInfo<Order>(),
                                 SchemaPolicy::kCreateOrExtend, patience)
        .status();
  }

  std::string url_;
  std::shared_ptr<PostgresPool> pool_;
};

// createStore waited for ACCESS EXCLUSIVE until its statement_timeout, every other SELECT waited
// with it, and then it failed.
TEST_F(SchemaLocksTest, ReadersGoOnWhileAColumnWaitsForALongReader) {
  expectReadersGoOn([&] { return PostgresStore<Order>::create(pool_).status(); });
  EXPECT_THAT(PostgresStore<Order>::create(pool_, SchemaPolicy::kVerify), IsOk());
}

TEST_F(SchemaLocksTest, AColumnIsAddedWithOneConnectionAndAShortStatementTimeout) {
  pool_ = open({.url = url_, .pool_size = 1, .statement_timeout = absl::Milliseconds(100)});
  expectReadersGoOn([&] { return PostgresStore<Order>::create(pool_).status(); });
}

TEST_F(SchemaLocksTest, ManyProcessesAddTheColumnOnceTheReaderEnds) {
  constexpr int kProcesses = 6;
  Reader reader = readOrders();
  std::vector<std::thread> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.emplace_back([&] {
      const auto pool = open({.url = url_, .pool_size = 2});
      EXPECT_THAT(PostgresStore<Order>::create(pool), IsOk());
    });
  }
  EXPECT_TRUE(eventually([&] { return waitsForOrders(); }));
  reader.end();
  for (std::thread& process : processes) process.join();
}

TEST_F(SchemaLocksTest, AReaderThatNeverEndsIsNamedWithItsLock) {
  const Reader reader = readOrders();
  const auto named =
      StatusIs(kUnavailable, AllOf(HasSubstr("create or extend table shop.orders"),
                                   HasSubstr("ACCESS EXCLUSIVE lock on table shop.orders"),
                                   HasSubstr("pid " + reader.pid()), HasSubstr("reports"),
                                   HasSubstr("idle in transaction"),
                                   HasSubstr("holds ACCESS SHARE"), Not(HasSubstr("s3cret"))));
  EXPECT_THAT(ensureWithin(absl::Seconds(3)), named);
}

TEST_F(SchemaLocksTest, AProcessThatKeepsTheTurnIsNamed) {
  Reader other(url_, "SELECT pg_advisory_xact_lock(5570193312718081)");
  EXPECT_THAT(ensureWithin(absl::Milliseconds(100)),
              StatusIs(kUnavailable, AllOf(HasSubstr("advisory lock 5570193312718081"),
                                           HasSubstr("pid " + other.pid()))));
  other.end();
  EXPECT_THAT(ensureWithin(absl::Seconds(10)), IsOk());
}

// ADD COLUMN IF NOT EXISTS takes the lock even where there is nothing to add.
TEST_F(SchemaLocksTest, ACompleteTableIsNotLocked) {
  ASSERT_THAT(PostgresStore<Order>::create(pool_), IsOk());
  const Reader writer(url_, "LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE");
  EXPECT_THAT(PostgresStore<Order>::create(pool_), IsOk());
}

TEST_F(SchemaLocksTest, OwningTheTableIsEnoughToAddAColumn) {
  query(
      "DROP ROLE IF EXISTS owner; CREATE ROLE owner LOGIN PASSWORD 'owner';"
      "GRANT USAGE ON SCHEMA shop TO owner; GRANT USAGE ON SEQUENCE strata_row_version TO owner;"
      "ALTER TABLE shop.orders OWNER TO owner; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  const auto pool = open({.url = "postgresql://owner:owner" + url_.substr(url_.find('@'))});
  EXPECT_THAT(PostgresStore<Order>::create(pool), IsOk());
  query("DROP OWNED BY owner; DROP ROLE owner");
}

TEST_F(SchemaLocksTest, ReadersGoOnWhileAMigrationWaitsForALongReader) {
  expectReadersGoOn([&] { return applyMigrations(*pool_, kAddNote); });
  EXPECT_EQ(query("SELECT count(*) FROM shop.orders"), "1");
  EXPECT_EQ(query("SELECT count(*) FROM strata_migrations"), "1");
}

TEST_F(SchemaLocksTest, AMigrationNamesAReaderThatNeverEndsAndLeavesNothing) {
  const Reader reader = readOrders();
  EXPECT_THAT(
      applyMigrations(*pool_, kAddNote, {.lock_patience = absl::Seconds(3)}),
      StatusIs(kUnavailable, AllOf(HasSubstr("apply migrations"),
                                   HasSubstr("ACCESS EXCLUSIVE lock on table shop.orders"),
                                   HasSubstr("pid " + reader.pid()), Not(HasSubstr("s3cret")))));
  EXPECT_EQ(query("SELECT count(*) FROM shop.orders"), "0");
  EXPECT_EQ(query("SELECT to_regclass('strata_migrations')"), "NULL");
}

// However long those of another process take.
TEST_F(SchemaLocksTest, MigrationsWaitForTheirTurnWithoutALimit) {
  Reader other(url_, "SELECT pg_advisory_xact_lock(5570193312718082)");
  absl::Status applied = absl::UnknownError("not ended");
  std::thread process([&] {
    applied = applyMigrations(*pool_, kAddNote, {.lock_patience = absl::Milliseconds(1)});
  });
  const auto last_look = [&] {
    return query(
        "SELECT max(query_start) FROM pg_stat_activity"
        " WHERE datname = 'locks_test' AND application_name LIKE 'strata%'");
  };
  for (int looks = 0; looks < 3; ++looks) {
    const std::string before = last_look();
    EXPECT_TRUE(eventually([&] { return last_look() > before; }));
  }
  other.end();
  process.join();
  EXPECT_THAT(applied, IsOk());
}

}  // namespace
}  // namespace strata
