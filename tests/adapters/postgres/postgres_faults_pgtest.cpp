// What callers see of a server that dies, freezes or is cut off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/describe.hpp>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/postgres/postgres_store.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

struct Note {
  std::string id;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Note, (), (id, text))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Note> {
  static constexpr auto table = "notes";
  static constexpr KeySpace keys{"pgtest", "note"};
  static std::string id(const pgtest::Note& note) { return note.id; }
};

namespace {

using pgtest::Note;
using ::testing::AnyOf;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using testing::LocalServers;
using testing::StatusIs;
using testing::TcpProxy;

constexpr absl::Duration kSoon = absl::Milliseconds(200);
// Far more than a call may take, far less than libpq would wait.
constexpr absl::Duration kMuchLater = absl::Seconds(5);

ReadOptions readWithin(absl::Duration timeout) { return {.deadline = Deadline::in(timeout)}; }
WriteOptions writeWithin(absl::Duration timeout) { return {.deadline = Deadline::in(timeout)}; }

class PostgresFaults : public ::testing::Test {
 protected:
  void SetUp() override { start({.postgres = true}, {}); }

  void start(const testing::LocalServersOptions& servers, PostgresOptions options) {
    notes_ = nullptr;
    pool_ = nullptr;
    auto started = LocalServers::start(servers);
    ASSERT_THAT(started, IsOk());
    servers_ = *std::move(started);
    options.url = server().url();
    auto pool = PostgresPool::open(options);
    ASSERT_THAT(pool, IsOk());
    pool_ = *std::move(pool);
    auto notes = PostgresStore<Note>::create(pool_);
    ASSERT_THAT(notes, IsOk());
    notes_ = *std::move(notes);
    ASSERT_THAT(notes_->put({.id = "a", .text = "one"}), IsOk());
  }

  LocalPostgres& server() { return servers_->postgres(); }
  std::string one(const std::string& sql) {
    const auto rows = server().query(sql);
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows.ok() && !rows->empty() ? (*rows)[0][0].value_or("NULL") : "";
  }
  // Fills the pool with connections that have the store's statements prepared.
  void warmUp() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([this] {
        for (int n = 0; n < 20; ++n) EXPECT_THAT(notes_->get("a"), IsOk());
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  // Every put of a note stops on the server, with its lock held, until the obstacle goes.
  void obstructPuts() {
    ASSERT_THAT(
        pool_->execute("CREATE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS "
                       "$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;"
                       "CREATE TRIGGER obstacle BEFORE INSERT OR UPDATE ON notes FOR EACH ROW "
                       "EXECUTE FUNCTION wait_for_lock()"),
        IsOk());
    auto obstacle = PostgresPool::open({.url = server().url(), .pool_size = 1});
    ASSERT_THAT(obstacle, IsOk());
    obstacle_ = *std::move(obstacle);
    ASSERT_THAT(obstacle_->execute("SELECT pg_advisory_lock(1)"), IsOk());
  }
  bool aPutWaits() {
    return one("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") == "1";
  }
  void endSessions(const std::string& condition) {
    one("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        "WHERE application_name = 'strata' AND " +
        condition);
  }

  std::unique_ptr<LocalServers> servers_;
  std::shared_ptr<PostgresPool> pool_;
  std::shared_ptr<PostgresPool> obstacle_;
  std::unique_ptr<PostgresStore<Note>> notes_;
};

TEST_F(PostgresFaults, NoReadFailsWhenSessionsAreEnded) {
  warmUp();
  for (int i = 0; i < 5; ++i) {
    endSessions("true");
    EXPECT_THAT(notes_->get("a"), IsOk());
    EXPECT_THAT(notes_->getMany(std::vector<Id>{"a"}).front(), IsOk());
  }
}

TEST_F(PostgresFaults, NoReadFailsWhenSessionsAreEndedUnderLoad) {
  warmUp();
  std::vector<std::thread> readers;
  std::atomic<bool> done = false;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done) EXPECT_THAT(notes_->get("a"), IsOk());
    });
  }
  for (int i = 0; i < 10; ++i) {
    // One at a time, for a read is tried twice and has no third chance; and none that is only being
    // set up, for whoever waits for that one has no connection to fall back on.
    endSessions(
        "pid = (SELECT min(pid) FROM pg_stat_activity"
        " WHERE application_name = 'strata' AND query LIKE '%\"notes\"%')");
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(pool_->stats().connects, 1U);
}

TEST_F(PostgresFaults, NoCallFailsAfterARestart) {
  warmUp();
  ASSERT_THAT(server().restart(), IsOk());
  EXPECT_THAT(notes_->get("a"), IsOk());
  EXPECT_THAT(notes_->put({.id = "a", .text = "two"}), IsOk());
  EXPECT_THAT(notes_->remove("a"), IsOk());
}

// The pool told callers of attempts to connect that had begun before their call and failed late: of
// those of before a restart, for instance.
TEST_F(PostgresFaults, AnAttemptToConnectThatBeganBeforeACallDoesNotFailIt) {
  start({.postgres = true, .proxied = true}, {});
  server().proxy()->resetConnections();
  ASSERT_THAT(server().cutOff(TcpProxy::Mode::kSilent), IsOk());
  EXPECT_THAT(notes_->get("a", readWithin(kSoon)), StatusIs(absl::StatusCode::kDeadlineExceeded));
  absl::StatusOr<Snapshot<Note>> found = absl::UnknownError("not asked yet");
  std::thread reader([&] { found = notes_->get("a"); });
  ASSERT_TRUE(eventually([&] { return pool_->stats().waiting == 1; }));
  server().proxy()->resetConnections();
  ASSERT_THAT(server().reconnect(), IsOk());
  reader.join();
  EXPECT_THAT(found, IsOk());
}

TEST_F(PostgresFaults, CallsAreUnavailableWhileTheServerIsDown) {
  ASSERT_THAT(server().stop(), IsOk());
  const auto unavailable = StatusIs(absl::StatusCode::kUnavailable, HasSubstr("notes"));
  EXPECT_THAT(notes_->get("a"), unavailable);
  EXPECT_THAT(notes_->put({.id = "a"}), unavailable);
  EXPECT_FALSE(notes_->healthCheck().healthy());
  ASSERT_THAT(server().start(), IsOk());
  EXPECT_THAT(notes_->get("a"), IsOk());
  EXPECT_TRUE(notes_->healthCheck().healthy());
}

// COHERENCE 22: whether the server committed is not known.
TEST_F(PostgresFaults, AWriteWhoseConnectionIsLostHasAnUnknownOutcome) {
  obstructPuts();
  absl::Status outcome;
  std::thread writer([&] { outcome = notes_->put({.id = "a", .text = "two"}).status(); });
  ASSERT_TRUE(eventually([&] { return aPutWaits(); }));
  endSessions("wait_event = 'advisory'");
  writer.join();
  EXPECT_THAT(outcome, StatusIs(absl::StatusCode::kUnknown, HasSubstr("put to notes")));
}

// B-67
TEST_F(PostgresFaults, ACallPastItsDeadlineDoesNothing) {
  ASSERT_THAT(server().freeze(), IsOk());
  const auto out_of_time = StatusIs(absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(notes_->get("a", readWithin(absl::ZeroDuration())), out_of_time);
  EXPECT_THAT(notes_->put({.id = "a"}, writeWithin(absl::ZeroDuration())), out_of_time);
  EXPECT_THAT(notes_->remove("a", writeWithin(absl::ZeroDuration())), out_of_time);
  EXPECT_THAT(notes_->getMany(std::vector<Id>{"a"}, readWithin(absl::ZeroDuration())).front(),
              out_of_time);
  EXPECT_EQ(pool_->stats().open, 1U) << "the frozen connection was not touched";
  ASSERT_THAT(server().resume(), IsOk());
}

TEST_F(PostgresFaults, ADeadlineCancelsTheStatementAndKeepsTheConnection) {
  obstructPuts();
  const auto connects = pool_->stats().connects;
  EXPECT_THAT(notes_->put({.id = "a", .text = "two"}, writeWithin(kSoon)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("put to notes")));
  EXPECT_TRUE(eventually([&] { return !aPutWaits(); }));
  EXPECT_THAT(notes_->get("a"), IsOk());
  EXPECT_EQ(pool_->stats().connects, connects);
}

TEST_F(PostgresFaults, ADeadlineEndsAWaitForAConnection) {
  obstructPuts();
  auto pool = PostgresPool::open(
      {.url = server().url(), .pool_size = 1, .acquire_timeout = absl::Seconds(60)});
  ASSERT_THAT(pool, IsOk());
  auto notes = PostgresStore<Note>::create(*pool);
  ASSERT_THAT(notes, IsOk());
  std::thread writer([&] { (*notes)->put({.id = "a"}).IgnoreError(); });
  ASSERT_TRUE(eventually([&] { return aPutWaits(); }));
  EXPECT_THAT((*notes)->get("a", readWithin(kSoon)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("waiting")));
  EXPECT_THAT(obstacle_->execute("SELECT pg_advisory_unlock(1)"), IsOk());
  writer.join();
}

TEST_F(PostgresFaults, ADeadlineHoldsOnAFrozenServer) {
  warmUp();
  ASSERT_THAT(server().freeze(), IsOk());
  // More calls than there are connections, so that some wait for new ones, which the frozen server
  // accepts and never answers; libpq gives those up after two seconds.
  const auto out_of_time =
      StatusIs(AnyOf(absl::StatusCode::kDeadlineExceeded, absl::StatusCode::kUnavailable));
  for (int i = 0; i < 10; ++i) {
    const MonotonicTime start = Clock::system().now();
    EXPECT_THAT(notes_->get("a", readWithin(kSoon)), out_of_time);
    EXPECT_LT(Clock::system().now() - start, kMuchLater);
  }
  EXPECT_THAT(notes_->put({.id = "a", .text = "two"}, writeWithin(kSoon)), out_of_time);
  const MonotonicTime start = Clock::system().now();
  EXPECT_FALSE(notes_->healthCheck().healthy());
  EXPECT_LT(Clock::system().now() - start, kMuchLater);
  ASSERT_THAT(server().resume(), IsOk());
  EXPECT_TRUE(eventually([&] { return notes_->get("a").ok(); }));
}

TEST_F(PostgresFaults, NoCallHangsOnAFrozenServerWithoutADeadline) {
  start({.postgres = true}, {.statement_timeout = kSoon});
  ASSERT_THAT(server().freeze(), IsOk());
  const MonotonicTime begin = Clock::system().now();
  EXPECT_THAT(notes_->get("a"),
              StatusIs(AnyOf(absl::StatusCode::kDeadlineExceeded, absl::StatusCode::kUnavailable)));
  EXPECT_LT(Clock::system().now() - begin, kMuchLater);
  ASSERT_THAT(server().resume(), IsOk());
}

TEST_F(PostgresFaults, APartitionEndsCallsInTime) {
  start({.postgres = true, .proxied = true}, {});
  ASSERT_THAT(server().cutOff(TcpProxy::Mode::kSilent), IsOk());
  EXPECT_THAT(notes_->get("a", readWithin(kSoon)), StatusIs(absl::StatusCode::kDeadlineExceeded));
  ASSERT_THAT(server().reconnect(), IsOk());
  EXPECT_TRUE(eventually([&] { return notes_->get("a").ok(); }));
  server().proxy()->resetConnections();
  EXPECT_THAT(notes_->get("a"), IsOk());
}

}  // namespace
}  // namespace strata
