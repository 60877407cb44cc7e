#include "strata/adapters/postgres/postgres_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using testing::eventually;
using testing::FakeClock;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::sharedServers;
using testing::StatusIs;

constexpr const char* kLock = "SELECT pg_advisory_lock(1)";
constexpr const char* kUnlock = "SELECT pg_advisory_unlock(1)";

std::string url() { return sharedServers().postgres().url(); }

std::shared_ptr<PostgresPool> openPool(PostgresOptions options) {
  if (options.url.empty()) options.url = url();
  auto pool = PostgresPool::open(options);
  EXPECT_THAT(pool, IsOk());
  return pool.ok() ? *pool : nullptr;
}

// Holds a lock that another session's `kLock` waits for.
class Obstacle {
 public:
  Obstacle() : pool_(openPool({.pool_size = 1})) { EXPECT_THAT(pool_->execute(kLock), IsOk()); }
  ~Obstacle() { clear(); }
  void clear() {
    if (std::exchange(cleared_, true)) return;
    EXPECT_THAT(pool_->execute(kUnlock), IsOk());
  }

 private:
  std::shared_ptr<PostgresPool> pool_;
  bool cleared_ = false;
};

bool somebodyWaits() {
  const auto rows = sharedServers().postgres().query(
      "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
  return rows.ok() && !rows->empty();
}

// `user:password` of a URL changed into something else.
std::string withCredentials(const std::string& from, const std::string& credentials) {
  return "postgresql://" + credentials + from.substr(from.find('@'));
}

TEST(PostgresPool, ConnectsOnceAndReusesTheConnection) {
  const auto pool = openPool({});
  for (int i = 0; i < 5; ++i) EXPECT_THAT(pool->execute("SELECT 1"), IsOk());
  EXPECT_EQ(pool->stats().connects, 1U);
  EXPECT_EQ(pool->stats().open, 1U);
  EXPECT_EQ(pool->stats().in_use, 0U);
}

TEST(PostgresPool, RefusesOptionsThatCannotWorkAndNamesAllOfThem) {
  PostgresOptions options{.url = url()};
  options.pool_size = 0;
  options.statement_timeout = absl::ZeroDuration();
  EXPECT_THAT(PostgresPool::open(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("pool_size"), HasSubstr("statement_timeout"))));
}

// B-33, B-79
TEST(PostgresPool, SaysWhyItCannotConnectWithoutTellingASecret) {
  EXPECT_THAT(PostgresPool::open({.url = withCredentials(url(), "nobody:hunter2")}),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("wrong user name or password"), Not(HasSubstr("hunter2")))));
  const std::string unknown_database = sharedServers().postgres().url("no_such_database");
  const absl::Status unknown = PostgresPool::open({.url = unknown_database}).status();
  EXPECT_THAT(unknown, StatusIs(absl::StatusCode::kFailedPrecondition,
                                AllOf(HasSubstr("unknown database"),
                                      HasSubstr("database no_such_database"))));
  const std::size_t colon = unknown_database.find(':', std::string("postgresql://").size());
  const std::string password =
      unknown_database.substr(colon + 1, unknown_database.find('@') - colon - 1);
  EXPECT_THAT(std::string(unknown.message()), Not(HasSubstr(password)));
  EXPECT_THAT(PostgresPool::open({.url = "postgresql://u:hunter2@127.0.0.1:1/x"}),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("connection refused"), Not(HasSubstr("hunter2")))));
}

TEST(PostgresPool, SetsUpEachSession) {
  const auto pool = openPool({.statement_timeout = absl::Milliseconds(1234)});
  ASSERT_THAT(
      pool->execute("DROP TABLE IF EXISTS session_settings;"
                    "CREATE TABLE session_settings AS SELECT name, setting FROM pg_settings"),
      IsOk());
  const auto rows = sharedServers().postgres().query(
      "SELECT string_agg(setting, '|' ORDER BY name COLLATE \"C\") FROM session_settings WHERE "
      "name IN "
      "('statement_timeout', 'TimeZone', 'client_encoding', 'application_name')");
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ((*rows)[0][0], "UTC|strata|UTF8|1234");
}

TEST(PostgresPool, RunsAScriptAsOneTransaction) {
  const auto pool = openPool({});
  EXPECT_THAT(pool->execute("CREATE TABLE half_a_script (a int); -- :not_a_parameter\n"
                            "DO $$ BEGIN PERFORM 1; END $$; SELECT nonsense FROM nowhere"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nowhere")));
  EXPECT_THAT(pool->execute("SELECT * FROM half_a_script"),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(PostgresPool, DropsAConnectionThatIsLeftInsideATransaction) {
  const auto pool = openPool({.pool_size = 1});
  ASSERT_THAT(pool->execute("BEGIN"), IsOk());
  ASSERT_THAT(pool->execute("SELECT 1"), IsOk());
  EXPECT_EQ(pool->stats().connects, 2U);
}

// The thread that made a connection may still be about to end when the next one is wanted: the
// more so where others keep it from a processor.
TEST(PostgresPool, ReplacesConnectionsAsFastAsTheyAreDropped) {
  const auto pool = openPool({.pool_size = 1});
  std::atomic<bool> done = false;
  std::vector<std::thread> crowd(8);
  for (std::thread& thread : crowd) {
    thread = std::thread([&] {
      while (!done) continue;
    });
  }
  constexpr unsigned kRounds = 30;
  for (unsigned i = 0; i < kRounds; ++i) EXPECT_THAT(pool->execute("BEGIN"), IsOk());
  done = true;
  for (std::thread& thread : crowd) thread.join();
  EXPECT_EQ(pool->stats().connects, kRounds);
}

TEST(PostgresPool, IsExhaustedWhenAllConnectionsStayBusy) {
  const auto pool = openPool({.pool_size = 1, .acquire_timeout = absl::Milliseconds(50)});
  Obstacle obstacle;
  std::thread busy([&] { EXPECT_THAT(pool->execute(kLock), IsOk()); });
  ASSERT_TRUE(eventually(somebodyWaits));
  EXPECT_EQ(pool->stats().in_use, 1U);
  EXPECT_THAT(pool->execute("SELECT 1"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("1 database connections")));
  EXPECT_FALSE(pool->healthCheck().healthy());
  obstacle.clear();
  busy.join();
  EXPECT_THAT(pool->execute(std::string(kUnlock)), IsOk());
}

TEST(PostgresPool, HandsAConnectionToWhoeverWaits) {
  const auto pool = openPool({.pool_size = 2, .acquire_timeout = absl::Seconds(30)});
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) EXPECT_THAT(pool->execute("SELECT 1"), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(pool->stats().connects, 2U);
  EXPECT_EQ(pool->stats().in_use, 0U);
}

TEST(PostgresPool, EndsAStatementThatTakesTooLong) {
  const auto pool = openPool({.pool_size = 1, .statement_timeout = absl::Milliseconds(50)});
  Obstacle obstacle;
  EXPECT_THAT(pool->execute(kLock), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(pool->execute("SELECT 1"), IsOk());
  EXPECT_EQ(pool->stats().connects, 1U);
}

TEST(PostgresPool, ReplacesAConnectionThatIsTooOld) {
  FakeClock clock;
  auto pool = PostgresPool::open({.url = url(), .max_age = absl::Minutes(30)}, clock);
  ASSERT_THAT(pool, IsOk());
  clock.advance(absl::Minutes(29));
  ASSERT_THAT((*pool)->execute("SELECT 1"), IsOk());
  EXPECT_EQ((*pool)->stats().connects, 1U);
  clock.advance(absl::Minutes(2));
  ASSERT_THAT((*pool)->execute("SELECT 1"), IsOk());
  EXPECT_EQ((*pool)->stats().connects, 2U);
  EXPECT_EQ((*pool)->stats().open, 1U);
}

TEST(PostgresPool, ReportsItsHealth) {
  const Health health = openPool({})->healthCheck();
  EXPECT_TRUE(health.healthy());
  EXPECT_EQ(health.component, "database");
  EXPECT_EQ(health.backend, "postgres");
  EXPECT_GT(health.latency, absl::ZeroDuration());
  EXPECT_EQ(health.error, "");
}

}  // namespace
}  // namespace strata
