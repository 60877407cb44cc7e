// A name that leads to a standby for a while, a standby that is promoted, a server that starts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/base/clock.h"
#include "strata/base/health.h"
#include "strata/factories/backends.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/postgres/pool_note.h"

namespace strata {
namespace {

using pgtest::fill;
using pgtest::PoolNote;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using testing::LocalServers;
using ::testing::Not;
using testing::StatusIs;
using testing::TcpProxy;

// Twice the time for which a connection is not looked at after its use.
constexpr absl::Duration kSurelyAlive = absl::Milliseconds(2);
// For calls that wait for a server: they end when it is there.
constexpr absl::Duration kPatient = absl::Minutes(1);

class PostgresSwitchover : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(servers_, LocalServers::start({.postgres = true}));
    ASSERT_OK_AND_ASSIGN(name_, TcpProxy::start(primary().port()));
  }
  void startStandby(LocalPostgres::Settings settings = {}) {
    ASSERT_OK_AND_ASSIGN(standby_, primary().startStandby(std::move(settings)));
  }
  void open(PostgresOptions options) {
    ASSERT_OK_AND_ASSIGN(pool_, PostgresPool::open(std::move(options)));
    ASSERT_OK_AND_ASSIGN(notes_, PostgresStore<PoolNote>::create(pool_));
    ASSERT_THAT(put("one"), IsOk());
  }
  // Leads to whatever `name_` leads to.
  std::string url(const std::string& parameters = "") const {
    std::string text = primary().url();
    const std::string port = std::to_string(primary().port());
    return text.replace(text.rfind(port), port.size(), std::to_string(name_->port())) + parameters;
  }
  // New connections lead to the standby, and the old ones are gone, as by the restart that makes a
  // primary a standby.
  void leadToStandby() {
    name_->retarget(standby().port());
    name_->resetConnections();
    // Until then a connection that was just used is taken for one that works.
    const MonotonicTime start = Clock::system().now();
    ASSERT_TRUE(eventually([&] { return Clock::system().now() - start > kSurelyAlive; }));
  }
  // Connections that are open stay where they are.
  void leadToPrimary() { name_->retarget(primary().port()); }

  absl::Status put(const std::string& text) {
    return notes_->put({.id = "a", .text = text}).status();
  }
  // How many calls fail until one does not.
  int failuresUntilAPutSucceeds() {
    int failures = 0;
    EXPECT_TRUE(eventually(
        [&] {
          const bool done = put("again").ok();
          if (!done) ++failures;
          return done;
        },
        kPatient));
    return failures;
  }

  LocalPostgres& primary() const { return servers_->postgres(); }
  LocalPostgres& standby() const { return *standby_; }

  std::unique_ptr<LocalServers> servers_;
  std::unique_ptr<LocalPostgres> standby_;
  std::unique_ptr<TcpProxy> name_;
  std::shared_ptr<PostgresPool> pool_;
  std::unique_ptr<PostgresStore<PoolNote>> notes_;
};

// Connections to the old primary, a standby by then, lived for half an hour after the name had
// moved on, and every write on them was refused.
TEST_F(PostgresSwitchover, IsOverSoonAfterTheNameLeadsToThePrimary) {
  startStandby();
  open({.url = url()});
  fill(*pool_);
  leadToStandby();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(put("two"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("standby")));
  }
  leadToPrimary();
  EXPECT_LE(failuresUntilAPutSucceeds(), 1);
  for (int i = 0; i < 20; ++i) EXPECT_THAT(put("three"), IsOk());
  EXPECT_TRUE(pool_->healthCheck().healthy());
}

// Of the calls that began after the primary was there, at most one of each connection may fail.
TEST_F(PostgresSwitchover, IsOverForAllOfACrowdOfWriters) {
  startStandby();
  open({.url = url()});
  fill(*pool_);
  std::atomic<bool> over = false;
  std::atomic<bool> done = false;
  std::atomic<int> failed_before = 0;
  std::atomic<int> failed_after = 0;
  std::atomic<int> succeeded_after = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&] {
      while (!done) {
        const bool after = over;
        const bool failed = !put("again").ok();
        if (failed) ++(after ? failed_after : failed_before);
        if (!failed && after) ++succeeded_after;
      }
    });
  }
  leadToStandby();
  EXPECT_TRUE(eventually([&] { return failed_before >= 16; }));
  leadToPrimary();
  over = true;
  EXPECT_TRUE(eventually([&] { return succeeded_after >= 100; }, kPatient));
  done = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_LE(failed_after, 8);
}

TEST_F(PostgresSwitchover, EndsInTheCallsThatWaitForIt) {
  startStandby();
  open({.url = url(), .acquire_timeout = kPatient});
  leadToStandby();
  std::thread writer([this] { EXPECT_THAT(put("two"), IsOk()); });
  EXPECT_TRUE(eventually([this] { return pool_->stats().failures >= 2; })) << "it asks again";
  leadToPrimary();
  writer.join();
}

TEST_F(PostgresSwitchover, IsOverWhenTheStandbyIsPromoted) {
  startStandby();
  open({.url = url()});
  fill(*pool_);
  ASSERT_OK(primary().awaitReplay(standby()));
  ASSERT_OK(primary().kill());
  leadToStandby();
  EXPECT_THAT(put("two"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("standby")));
  ASSERT_OK(standby().promote());
  EXPECT_LE(failuresUntilAPutSucceeds(), 1);
  EXPECT_EQ((**notes_->get("a")).text, "again");
}

// A standby may lack what was acknowledged, and a cache would keep what it answers.
TEST_F(PostgresSwitchover, NothingIsReadFromAStandby) {
  startStandby();
  open({.url = url()});
  leadToStandby();
  EXPECT_THAT(notes_->get("a"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("standby")));
  leadToPrimary();
  EXPECT_TRUE(eventually([this] { return notes_->get("a").ok(); }));
}

// It said ok while every write failed.
TEST_F(PostgresSwitchover, HealthTellsOfAStandbyWhereAPrimaryIsNeeded) {
  startStandby();
  open({.url = url()});
  leadToStandby();
  const Health health = pool_->healthCheck();
  EXPECT_EQ(health.state, HealthState::kFail);
  EXPECT_THAT(health.error, HasSubstr("standby"));
  leadToPrimary();
  EXPECT_TRUE(eventually([this] { return pool_->healthCheck().healthy(); }));
}

TEST_F(PostgresSwitchover, AUrlMayAskForAnyServer) {
  startStandby();
  open({.url = url("?target_session_attrs=any")});
  ASSERT_OK(primary().awaitReplay(standby()));
  leadToStandby();
  EXPECT_EQ((**notes_->get("a")).text, "one");
  EXPECT_TRUE(pool_->healthCheck().healthy());
  EXPECT_THAT(put("two"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("25006")));
}

// Refused by a session that stays open, as through a pooler whose server was exchanged: it was not
// executed, so another session gets it.
TEST_F(PostgresSwitchover, AWriteThatAStandbyRefusedIsSentToAnotherSession) {
  startStandby();
  open({.url = url("?target_session_attrs=any")});
  ASSERT_OK(primary().awaitReplay(standby()));
  leadToStandby();
  ASSERT_THAT(notes_->get("a"), IsOk());
  fill(*pool_);
  leadToPrimary();
  EXPECT_THAT(put("two"), IsOk());
  EXPECT_EQ((**notes_->get("a")).text, "two");
}

TEST_F(PostgresSwitchover, SoIsATransactionThatAStandbyRefused) {
  startStandby();
  Config config;
  config.database_url = url("?target_session_attrs=any");
  const auto backends = connect(config);
  ASSERT_THAT(backends, IsOk());
  const auto stores = createClarifyStores(*backends);
  ASSERT_THAT(stores, IsOk());
  ASSERT_THAT(stores->users->put({.id = "ada"}), IsOk());
  ASSERT_OK(primary().awaitReplay(standby()));
  leadToStandby();
  ASSERT_THAT(stores->users->get("ada"), IsOk());
  fill(*backends->database);
  leadToPrimary();
  EXPECT_THAT(stores->users->put({.id = "bob"}), IsOk());
}

TEST_F(PostgresSwitchover, ACallWaitsForAServerThatStarts) {
  startStandby({{"hot_standby", "off"}});
  open({.url = url(), .acquire_timeout = kPatient});
  fill(*pool_);
  ASSERT_OK(primary().stop());
  leadToStandby();
  std::thread writer([this] { EXPECT_THAT(put("two"), IsOk()); });
  EXPECT_TRUE(eventually([this] { return pool_->stats().failures >= 2; })) << "it asks again";
  ASSERT_OK(standby().promote());
  writer.join();
}

TEST_F(PostgresSwitchover, ACallSaysThatTheServerStarts) {
  startStandby({{"hot_standby", "off"}});
  open({.url = url(), .acquire_timeout = absl::Milliseconds(300)});
  leadToStandby();
  EXPECT_THAT(put("two"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("57P03")));
  EXPECT_FALSE(pool_->healthCheck().healthy());
}

// One session that crashes takes all others with it, and the server recovers.
TEST_F(PostgresSwitchover, NoReadFailsWhileTheServerRecoversFromACrash) {
  open({.url = url(), .acquire_timeout = kPatient});
  fill(*pool_);
  // The servers of tests do not wait until what they commit is written.
  ASSERT_THAT(primary().query("CHECKPOINT"), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto victim,
                       PostgresPool::open({.url = primary().url() + "?application_name=victim"}));
  const auto found =
      primary().query("SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'");
  ASSERT_THAT(found, IsOk());
  const auto connects = pool_->stats().connects;
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done) EXPECT_THAT(notes_->get("a"), IsOk());
    });
  }
  ASSERT_EQ(::kill(std::stoi((*found)[0][0].value_or("0")), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return pool_->stats().connects >= connects + 2; }, kPatient));
  done = true;
  for (std::thread& reader : readers) reader.join();
}

class PostgresHosts : public PostgresSwitchover, public ::testing::WithParamInterface<bool> {
 protected:
  // The primary first, or last.
  std::string hosts() const {
    return GetParam() ? primary().urlWith({&standby()}) : standby().urlWith({&primary()});
  }
};

TEST_P(PostgresHosts, ThePrimaryAmongThemIsFound) {
  startStandby();
  open({.url = hosts()});
  EXPECT_THAT(put("two"), IsOk());
  ASSERT_OK(primary().awaitReplay(standby()));
  ASSERT_OK(primary().kill());
  EXPECT_THAT(put("three"), Not(IsOk()));
  ASSERT_OK(standby().promote());
  EXPECT_LE(failuresUntilAPutSucceeds(), 1);
  EXPECT_EQ((**notes_->get("a")).text, "again");
}

TEST_P(PostgresHosts, AStandbyAmongThemIsFoundWhereTheUrlAsksForOne) {
  startStandby();
  open({.url = hosts()});
  ASSERT_OK(primary().awaitReplay(standby()));
  ASSERT_OK_AND_ASSIGN(auto pool,
                       PostgresPool::open({.url = hosts() + "?target_session_attrs=standby"}));
  EXPECT_TRUE(pool->healthCheck().healthy());
  EXPECT_THAT(pool->execute("CREATE TABLE t (a int)"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("25006")));
}

INSTANTIATE_TEST_SUITE_P(Orders, PostgresHosts, ::testing::Bool(), [](const auto& order) {
  return order.param ? "PrimaryFirst" : "StandbyFirst";
});

}  // namespace
}  // namespace strata
