// PostgreSQL behind PgBouncer: what is left in a session is another client's in the next moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <boost/describe.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/postgres/migrations.h"
#include "strata/adapters/postgres/postgres_event_transport.h"
#include "strata/adapters/postgres/postgres_store.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_pgbouncer.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

struct Policy {
  std::string tenant;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Policy, (), (tenant, text))

struct Seat {
  std::string hall;
  std::int32_t row = 0;
  std::int32_t number = 0;
  bool taken = false;
};
BOOST_DESCRIBE_STRUCT(Seat, (), (hall, row, number, taken))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Policy> {
  static constexpr auto table = "policies";
  static constexpr KeySpace keys{"pgtest", "policy"};
  static std::string id(const pgtest::Policy& policy) { return policy.tenant; }
};
template <>
struct Entity<pgtest::Seat> {
  static constexpr auto table = "seats";
  static constexpr KeySpace keys{"pgtest", "seat"};
  static constexpr std::array<std::string_view, 3> key_columns{"hall", "row", "number"};
  static Id id(const pgtest::Seat& seat) {
    return Id{seat.hall, std::to_string(seat.row), std::to_string(seat.number)};
  }
};

namespace {

using pgtest::Policy;
using pgtest::Seat;
using ::testing::AllOf;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPgBouncer;
using testing::LocalPgBouncerOptions;
using testing::LocalPostgres;
using testing::PoolMode;
using testing::sharedServers;
using testing::StatusIs;

// What is logged while it lives.
class CapturedLog {
 public:
  CapturedLog() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    spdlog::register_logger(std::make_shared<spdlog::logger>("strata", std::move(sink)));
  }
  ~CapturedLog() { spdlog::drop("strata"); }

  int count(const std::string& event) const {
    const std::string all = text_.str();
    int found = 0;
    for (std::size_t at = 0; (at = all.find(event, at)) != std::string::npos; ++at) ++found;
    return found;
  }

 private:
  std::ostringstream text_;
};

// Every test has a database of its own.
class PostgresPooler : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(server().createDatabase(kDatabase), IsOk()); }

  void startPooler(LocalPgBouncerOptions options = {}) {
    auto started = LocalPgBouncer::start(server(), options);
    ASSERT_THAT(started, IsOk());
    pooler_ = *std::move(started);
  }
  std::string url() const { return pooler_->url(kDatabase); }
  static std::string directUrl() { return server().url(kDatabase); }

  static std::shared_ptr<PostgresPool> open(PostgresOptions options) {
    auto pool = PostgresPool::open(std::move(options));
    EXPECT_THAT(pool, IsOk());
    return pool.ok() ? *std::move(pool) : nullptr;
  }
  template <typename T>
  static std::unique_ptr<PostgresStore<T>> createStore(std::shared_ptr<PostgresPool> pool) {
    auto store = PostgresStore<T>::create(std::move(pool));
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  static LocalPostgres& server() { return sharedServers().postgres(); }
  static std::string direct(const std::string& sql) {
    const auto rows = server().query(sql, kDatabase);
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows.ok() && !rows->empty() ? (*rows)[0][0].value_or("NULL") : "";
  }
  // By another client of the pooler.
  std::string pooled(const std::string& sql) {
    const auto rows = pooler_->query(sql, kDatabase);
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows.ok() && !rows->empty() ? (*rows)[0][0].value_or("NULL") : "";
  }

  static constexpr const char* kDatabase = "pooler_test";
  std::unique_ptr<LocalPgBouncer> pooler_;
};

struct ClientCounts {
  std::atomic<int> writes = 0;
  std::atomic<int> wrong_reads = 0;
  std::atomic<int> failed = 0;
};

// Of one client: what it writes it reads.
void writeAndRead(Store<Policy>& policies, Store<Seat>& seats, int client, ClientCounts& counts) {
  for (int i = 0; i < 15; ++i) {
    const Policy policy{.tenant = "t" + std::to_string(client), .text = std::to_string(i)};
    const Seat seat{.hall = "h", .row = client, .number = i, .taken = i % 2 == 0};
    counts.failed += policies.put(policy).ok() ? 0 : 1;
    counts.failed += seats.put(seat).ok() ? 0 : 1;
    counts.writes += 2;
    const auto read = policies.get(policy.tenant);
    const auto found = seats.get(entityInfo<Seat>().id(&seat));
    counts.failed += (read.ok() ? 0 : 1) + (found.ok() ? 0 : 1);
    const bool right = read.ok() && *read != nullptr && (*read)->text == policy.text &&
                       found.ok() && *found != nullptr && (*found)->taken == seat.taken;
    counts.wrong_reads += right ? 0 : 1;
  }
}

// Statements of a name that another process had prepared in the session ran instead (22P02, "bind
// supplies 1 parameters, st_3 requires 4"), and more than nine in ten requests failed (42P05,
// 26000).
TEST_F(PostgresPooler, NoRequestOfSeveralProcessesFails) {
  for (const PoolMode mode : {PoolMode::kTransaction, PoolMode::kSession}) {
    // Fewer sessions than connections, where the mode lets them be shared.
    startPooler({.mode = mode, .sessions = mode == PoolMode::kTransaction ? 3 : 20});
    constexpr int kProcesses = 2;
    constexpr int kClients = 8;
    ClientCounts counts;
    std::vector<std::thread> clients;
    for (int process = 0; process < kProcesses; ++process) {
      const auto pool = open({.url = url()});
      const std::shared_ptr<Store<Policy>> policies = createStore<Policy>(pool);
      const std::shared_ptr<Store<Seat>> seats = createStore<Seat>(pool);
      for (int i = 0; i < kClients; ++i) {
        const int client = process * kClients + i;
        clients.emplace_back([&counts, policies, seats, client] {
          writeAndRead(*policies, *seats, client, counts);
        });
      }
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(counts.writes, kProcesses * kClients * 15 * 2);
    EXPECT_EQ(counts.failed, 0);
    EXPECT_EQ(counts.wrong_reads, 0);
  }
}

TEST_F(PostgresPooler, IsRecognisedInBothModesAndWarnedOfOnce) {
  for (const PoolMode mode : {PoolMode::kTransaction, PoolMode::kSession}) {
    startPooler({.mode = mode});
    const CapturedLog log;
    const auto pool = open({.url = url()});
    const auto policies = createStore<Policy>(pool);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 20; ++n) EXPECT_THAT(policies->get("a"), IsOk());
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(log.count("strata.postgres.pooler"), 1);
    EXPECT_EQ(log.count("DATABASE_PREPARE_STATEMENTS"), 1);
    EXPECT_EQ(log.count("DATABASE_DIRECT_URL"), 1);
  }
}

TEST_F(PostgresPooler, IsNotSeenWhereThereIsNone) {
  const CapturedLog log;
  const auto pool = open({.url = directUrl(), .pool_size = 1});
  const auto policies = createStore<Policy>(pool);
  EXPECT_THAT(policies->get("a"), IsOk());
  EXPECT_EQ(log.count("strata.postgres.pooler"), 0);
  ASSERT_THAT(pool->execute("CREATE TABLE prepared AS SELECT * FROM pg_prepared_statements"),
              IsOk());
  EXPECT_NE(direct("SELECT count(*) FROM prepared"), "0");
}

TEST_F(PostgresPooler, KeepsStatementsWhereItsClientsSayThatSessionsAreKept) {
  startPooler({.mode = PoolMode::kSession});
  const CapturedLog log;
  const auto pool =
      open({.url = url(), .pool_size = 1, .prepare_statements = PrepareStatements::kOn});
  const auto policies = createStore<Policy>(pool);
  EXPECT_THAT(policies->get("a"), IsOk());
  EXPECT_EQ(log.count("strata.postgres.pooler"), 0);
  ASSERT_THAT(pool->execute("CREATE TABLE prepared AS SELECT * FROM pg_prepared_statements"),
              IsOk());
  EXPECT_NE(direct("SELECT count(*) FROM prepared"), "0");
}

// Other clients got statement_timeout = 5s.
TEST_F(PostgresPooler, LeavesNothingInASession) {
  startPooler({.sessions = 1});
  pooled("CREATE TABLE before AS SELECT name, setting FROM pg_settings");
  const auto pool = open({.url = url(), .pool_size = 1});
  const auto policies = createStore<Policy>(pool);
  ASSERT_THAT(policies->put({.tenant = "a", .text = "b"}), IsOk());
  ASSERT_THAT(policies->get("a"), IsOk());
  // PgBouncer itself lets the last name of an application stand.
  EXPECT_EQ(pooled("SELECT string_agg(name || '=' || now.setting, ' ') FROM pg_settings AS now"
                   " JOIN before USING (name)"
                   " WHERE now.setting <> before.setting AND name <> 'application_name'"),
            "NULL");
  EXPECT_EQ(pooled("SELECT count(*) FROM pg_prepared_statements"), "0");
  EXPECT_EQ(pooled("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
}

// Nothing tells the server but the time limit that came with the statement.
TEST_F(PostgresPooler, EndsAStatementAtItsDeadlineOnTheServerToo) {
  startPooler();
  const auto pool = open({.url = url(), .pool_size = 1});
  const auto policies = createStore<Policy>(pool);
  direct(
      "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
      " $$ BEGIN PERFORM pg_sleep(1000); RETURN NEW; END $$;"
      "CREATE TRIGGER slow BEFORE INSERT ON policies FOR EACH ROW EXECUTE FUNCTION wait()");
  EXPECT_THAT(policies->put({.tenant = "a"}, {.deadline = Deadline::in(absl::Seconds(1))}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(eventually([] {
    return direct("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "0";
  }));
  EXPECT_THAT(policies->get("a"), IsOk());
}

// A request to cancel would go to whatever the session runs by then.
TEST_F(PostgresPooler, NeverCancelsAnotherClientsStatement) {
  startPooler({.sessions = 1});
  const auto pool = open({.url = url(), .pool_size = 2});
  const auto policies = createStore<Policy>(pool);
  const auto obstacle = open({.url = directUrl(), .pool_size = 1});
  ASSERT_THAT(obstacle->execute("SELECT pg_advisory_lock(1)"), IsOk());
  std::thread other(
      [&] { EXPECT_EQ(pooled("SELECT 'done' FROM pg_advisory_xact_lock(1)"), "done"); });
  EXPECT_TRUE(eventually([] {
    return direct("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") ==
           "1";
  }));
  // It waits for the session, longer than it may.
  EXPECT_THAT(policies->get("a", {.deadline = Deadline::in(absl::Milliseconds(200))}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(obstacle->execute("SELECT pg_advisory_unlock(1)"), IsOk());
  other.join();
  EXPECT_THAT(policies->get("a"), IsOk());
}

TEST_F(PostgresPooler, WhatNeedsASessionIsRefusedOrGoesPastIt) {
  startPooler();
  const auto through = open({.url = url()});
  EXPECT_THAT(through->execute("SELECT 1"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("DATABASE_DIRECT_URL")));
  const auto past = open({.url = url(), .direct_url = directUrl()});
  EXPECT_THAT(past->execute("CREATE TABLE numbers (n int)"), IsOk());
  EXPECT_THAT(past->execute("CREATE INDEX CONCURRENTLY ON numbers (n)"), IsOk());
  // One that leads to a pooler as well is none.
  const auto nowhere = open({.url = directUrl(), .direct_url = url()});
  EXPECT_THAT(nowhere->execute("SELECT 1"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("DATABASE_DIRECT_URL")));
}

constexpr Migration kMigrations[] = {
    {.component = "pooler", .number = 1, .name = "one", .sql = "CREATE TABLE ones (n int)"},
    {.component = "pooler", .number = 2, .name = "two", .sql = "SELECT pg_sleep(2.5)"}};

// One transaction whose locks and settings end with it, and which has no time limit.
TEST_F(PostgresPooler, MigrationsAreAppliedThroughIt) {
  startPooler({.sessions = 2});
  direct("ALTER DATABASE pooler_test SET default_transaction_isolation = serializable");
  const auto one = open({.url = url(), .statement_timeout = absl::Seconds(2)});
  const auto other = open({.url = url(), .statement_timeout = absl::Seconds(2)});
  std::thread at_once([&] { EXPECT_THAT(applyMigrations(*other, kMigrations), IsOk()); });
  EXPECT_THAT(applyMigrations(*one, kMigrations), IsOk());
  at_once.join();
  EXPECT_EQ(direct("SELECT count(*) FROM strata_migrations"), "2");
  EXPECT_EQ(pooled("SHOW statement_timeout"), "0");
}

class Silent final : public EventReceiver {
 public:
  void onMessage(std::string_view, std::string_view) override {}
  void onGap(const absl::Status&) override {}
  void onLost(std::string_view, const absl::Status&) override {}
};

// It was created, live and healthy, and heard nothing.
TEST_F(PostgresPooler, EventsAreListenedToPastItOrNotAtAll) {
  startPooler();
  const auto pool = open({.url = url()});
  Silent receiver;
  auto deaf = makePostgresEventTransport(pool, {.url = url(), .app = "deaf"});
  ASSERT_THAT(deaf, IsOk());
  EXPECT_THAT((*deaf)->start(receiver, Deadline::in(absl::Seconds(30))),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("DATABASE_DIRECT_URL")));
  auto live = makePostgresEventTransport(pool, {.url = directUrl(), .app = "live"});
  ASSERT_THAT(live, IsOk());
  EXPECT_THAT((*live)->start(receiver, Deadline::in(absl::Seconds(30))), IsOk());
}

// What a pooler does that shows the server's own number of the session.
TEST_F(PostgresPooler, IsRecognisedByStatementsThatAreGone) {
  const CapturedLog log;
  const auto pool = open({.url = directUrl(), .pool_size = 1});
  const auto policies = createStore<Policy>(pool);
  ASSERT_THAT(policies->put({.tenant = "a", .text = "one"}), IsOk());
  ASSERT_THAT(pool->execute("DEALLOCATE ALL"), IsOk());
  EXPECT_THAT(policies->put({.tenant = "a", .text = "two"}), IsOk());
  const auto read = policies->get("a");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)->text, "two");
  EXPECT_EQ(log.count("strata.postgres.pooler"), 1);
  EXPECT_EQ(pool->stats().connects, 1U);
}

TEST_F(PostgresPooler, SaysWhichStartupParameterItRefuses) {
  startPooler();
  EXPECT_THAT(PostgresPool::open({.url = url() + "&options=-csearch_path%3Dpublic"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("pooler"), HasSubstr("\"options\""))));
}

}  // namespace
}  // namespace strata
