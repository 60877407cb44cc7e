// PostgreSQL's EventTransport: what goes by reference, and what happens when its server is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "adapters/postgres/events/postgres_notification.h"
#include "strata/adapters/postgres/postgres_event_transport.h"
#include "strata/testing/servers/local_servers.h"
#include "tests/adapters/events/event_nodes.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using testing::EventFaults;
using testing::EventNode;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using ::testing::Not;
using ::testing::SizeIs;
using testing::StatusIs;
using testing::TcpProxy;

std::unique_ptr<EventNode> nodeAt(const std::string& url, const std::string& app = "test") {
  return std::make_unique<EventNode>(
      makePostgresEventTransport(PostgresPool::open({.url = url}).value(), {.url = url, .app = app})
          .value());
}

class PostgresEventFaults : public EventFaults {
 protected:
  PostgresEventFaults() : EventFaults({.postgres = true, .proxied = true}) {
    alice_ = nodeAt(postgres().url(), "alice");
    bob_ = nodeAt(postgres().url(), "bob");
  }
  LocalPostgres& postgres() { return servers_->postgres(); }
  TcpProxy& proxy() { return *postgres().proxy(); }
  std::string ask(const std::string& sql) {
    const auto rows = postgres().query(sql);
    EXPECT_OK(rows.status());
    return rows.ok() && !rows->empty() ? rows->front().front().value_or("") : "";
  }
  void notifyByHand(const std::string& channel, const std::string& text) {
    ask("SELECT pg_notify(" + postgres::listenNameSql("'" + channel + "'") + ", E'" + text + "')");
  }
};

// B-90
TEST_F(PostgresEventFaults, ACutIsOneGapAndEverySubscriptionIsBackWhenItIsTold) {
  isToldOfOneGapForEachCut(proxy());
}

// B-90
TEST_F(PostgresEventFaults, ASilentPartitionIsNoticedAndAGapOnceItIsOver) {
  proxy().setMode(TcpProxy::Mode::kSilent);
  ASSERT_TRUE(bob_->noticesThatItIsLost("a"));
  EXPECT_FALSE(bob_->transport->healthCheck().healthy());
  EXPECT_EQ(bob_->receiver.gaps(), 0);
  bob_->transport->subscribe("c");
  proxy().heal();
  ASSERT_TRUE(bob_->isToldOfGaps(1));
  EXPECT_OK(bob_->listenTo("c"));
  ASSERT_TRUE(alice_->sends("c", "new"));
  ASSERT_TRUE(bob_->receiver.hears("c", "new"));
  hearsInOrder("after");
  EXPECT_EQ(bob_->receiver.gaps(), 1);
}

// B-90
TEST_F(PostgresEventFaults, AServerThatWasRestartedOrCrashedIsAGap) {
  ASSERT_OK(postgres().restart());
  ASSERT_TRUE(bob_->isToldOfGaps(1));
  hearsInOrder("after a restart");
  ASSERT_OK(postgres().kill());
  ASSERT_OK(postgres().start());
  ASSERT_TRUE(bob_->isToldOfGaps(2));
  hearsInOrder("after a crash");
  EXPECT_EQ(bob_->receiver.gaps(), 2);
}

// Every channel that was subscribed to and left while the server was away was kept until it was back.
TEST_F(PostgresEventFaults, ChannelsThatComeAndGoWhileTheServerIsAwayAreForgotten) {
  ASSERT_OK(postgres().stop());
  ASSERT_TRUE(bob_->noticesThatItIsLost("a"));
  keepsNothingOfChannelsThatComeAndGo();
  ASSERT_OK(postgres().start());
  hearsTheChannelsThatAreLeft();
}

TEST_F(PostgresEventFaults, ASessionThatIsEndedIsAGapAndTheApplicationIsSeen) {
  ASSERT_EQ(ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'strata-events-bob'"),
            "1");
  ASSERT_TRUE(bob_->isToldOfGaps(1));
  hearsInOrder("after");
  EXPECT_EQ(alice_->receiver.gaps(), 0);
}

TEST_F(PostgresEventFaults, EndsPromptlyWhileTheServerIsFrozen) {
  ASSERT_OK(postgres().freeze());
  EXPECT_TRUE(bob_->noticesThatItIsLost("a"));
  bob_->transport->subscribe("c");
  EXPECT_THAT(bob_->transport->waitUntilSubscribed("c", {}), StatusIs(StatusCode::kUnavailable));
  endsPromptly();
  ASSERT_OK(postgres().resume());
}

// ---- Rows ----

TEST_F(PostgresEventFaults, ARowThatIsGoneIsALostMessageAndTheNextOnesArrive) {
  notifyByHand("a", "r0\\na\\n999999");
  ASSERT_TRUE(eventually([&] { return bob_->receiver.lost("a").size() == 1; }));
  EXPECT_THAT(bob_->receiver.lost("b"), SizeIs(0));
  hearsInOrder("after");
  EXPECT_EQ(bob_->receiver.gaps(), 0);
}

TEST_F(PostgresEventFaults, RowsThatCannotBeReadAreLostMessages) {
  ask("ALTER TABLE strata_events RENAME COLUMN payload TO hidden");
  notifyByHand("a", "r0\\na\\n1");
  ASSERT_TRUE(eventually([&] { return bob_->receiver.lost("a").size() == 1; }));
  ask("ALTER TABLE strata_events RENAME COLUMN hidden TO payload");
  hearsInOrder("after");
  EXPECT_EQ(bob_->receiver.gaps(), 0);
}

TEST_F(PostgresEventFaults, WhatIsNoEventOrOfAnotherChannelOfTheSameHashIsIgnored) {
  notifyByHand("a", "hello");
  notifyByHand("a", "v0\\nsome other channel\\nhello");
  notifyByHand("a", "r0\\na\\nnot a number");
  hearsInOrder("after");
  EXPECT_THAT(bob_->receiver.heard("some other channel"), SizeIs(0));
  EXPECT_THAT(bob_->receiver.lost("a"), SizeIs(0));
}

// A row was read by its number alone: a notification that named the row of another channel delivered
// one tenant's message to another's stream.
TEST_F(PostgresEventFaults, ANotificationDoesNotDeliverTheRowOfAnotherChannel) {
  const std::string row = ask(
      "INSERT INTO strata_events (channel, payload) VALUES ('secret', 'of another') RETURNING id");
  notifyByHand("a", "r0\\na\\n" + row);
  ASSERT_TRUE(eventually([&] { return bob_->receiver.lost("a").size() == 1; }));
  EXPECT_THAT(bob_->receiver.heard("a"), Not(::testing::Contains("of another")));
  hearsInOrder("after");
}

// LISTEN and NOTIFY need no right, and the name of a channel was its hash.
TEST_F(PostgresEventFaults, ASessionThatMayNotReadTheSecretCanNeitherListenNorNotify) {
  ask("SELECT pg_notify('strata_' || left(encode(sha256('a'), 'hex'), 32), E'v0\\na\\nforged')");
  hearsInOrder("after");
  EXPECT_THAT(bob_->receiver.heard("a"), Not(::testing::Contains("forged")));
  ask("CREATE ROLE stranger; GRANT SELECT ON strata_events TO stranger");
  EXPECT_EQ(ask("SELECT has_table_privilege('stranger', 'strata_event_secret', 'SELECT')"), "f");
  // Even with the right to read bodies, it sees those of a channel that it names.
  EXPECT_NE(ask("SELECT count(*) FROM strata_events"), "0");
  EXPECT_EQ(ask("SET ROLE stranger; SELECT count(*) FROM strata_events"), "0");
  EXPECT_NE(ask("SET ROLE stranger; SET strata.event_channel = 'a';"
                "SELECT count(*) FROM strata_events"),
            "0");
  ask("UPDATE strata_events SET created_at = now() - interval '11 minutes'");
  EXPECT_EQ(ask("SET ROLE stranger; SET strata.event_channel = '*';"
                "SELECT count(*) FROM strata_events"),
            "0")
      << "what the function that tidies up may see";
}

// Its rows stayed: deleting what is locked took UPDATE, of which the documentation knew nothing, and the
// error was dropped.
TEST_F(PostgresEventFaults, AUserWithTheDocumentedPrivilegesAloneTidiesUp) {
  ask("CREATE ROLE guest LOGIN PASSWORD 'guest';"
      "GRANT SELECT ON strata_event_secret TO guest; GRANT SELECT, INSERT ON strata_events TO "
      "guest;"
      "GRANT USAGE ON SEQUENCE strata_events_id_seq TO guest;"
      "GRANT SELECT ON strata_migrations TO guest;"
      "INSERT INTO strata_events (channel, payload, created_at)"
      " SELECT 'old', 'x', now() - interval '11 minutes' FROM generate_series(1, 500)");
  std::string url = postgres().url();
  url.replace(0, url.find('@'), "postgresql://guest:guest");
  const auto carol = nodeAt(url, "carol");
  ASSERT_OK(carol->start());
  for (int i = 0; i < 3; ++i) ASSERT_OK(carol->send("a", "x"));
  EXPECT_EQ(carol->transport->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(ask("SELECT count(*) FROM strata_events WHERE channel = 'old'"), "0");
}

// The function runs as the owner of the table, so it must not be led to another one.
TEST_F(PostgresEventFaults, TidyingUpTakesNoTableOfItsCaller) {
  ask("CREATE ROLE guest LOGIN PASSWORD 'guest'");
  std::string url = postgres().url();
  url.replace(0, url.find('@'), "postgresql://guest:guest");
  const auto pool = PostgresPool::open({.url = url}).value();
  ASSERT_OK(pool->execute(
      "CREATE TEMP TABLE strata_events (id bigint, channel text, created_at timestamptz);"
      "INSERT INTO strata_events VALUES (1, 'mine', now() - interval '11 minutes');"
      "SELECT strata_tidy_events(10);"
      "DO $$ BEGIN ASSERT EXISTS (SELECT FROM strata_events); END $$"));
}

// ---- Many channels ----

// Each channel was a LISTEN, which costs as much as there are before it: 50 000 took 12 s, and the
// listener, which waits five, began again and again and never listened.
TEST_F(PostgresEventFaults, FiftyThousandChannelsAreListenedToAndAgainAfterACut) {
  constexpr int kChannels = 50'000;
  const auto name = [](int i) { return "many-" + std::to_string(i); };
  for (int i = 0; i < kChannels; ++i) bob_->transport->subscribe(name(i));
  for (const int cuts : {0, 1}) {
    if (cuts > 0) {
      proxy().resetConnections();
      ASSERT_TRUE(bob_->isToldOfGaps(cuts));
    }
    for (const int i : {0, kChannels / 2, kChannels - 1}) {
      ASSERT_OK(bob_->listenTo(name(i)));
      ASSERT_TRUE(alice_->sends(name(i), "hello" + std::to_string(cuts)));
      EXPECT_TRUE(bob_->receiver.hears(name(i), "hello" + std::to_string(cuts)));
    }
  }
  EXPECT_THAT(bob_->receiver.heard(name(1)), SizeIs(0));
}

// Names are shared: what one channel still needs is not taken from it with another.
TEST_F(PostgresEventFaults, AChannelIsHeardWhenAnotherOfItsNameIsLeft) {
  const auto name_of = [this](const std::string& channel) {
    return ask("SELECT " + postgres::listenNameSql("'" + channel + "'"));
  };
  const std::string rows =
      ask("SELECT string_agg(i::text, ',') FROM generate_series(1, 100000) i"
          " WHERE " +
          postgres::listenNameSql("'twin-' || i") + " = " + postgres::listenNameSql("'one'"));
  ASSERT_NE(rows, "") << "none of 100 000 has the name of the channel";
  const std::string twin = "twin-" + rows.substr(0, rows.find(','));
  EXPECT_EQ(name_of("one"), name_of(twin));
  ASSERT_OK(bob_->listenTo("one"));
  // One name has one order: what came before a message that was heard was dropped.
  EXPECT_TRUE(alice_->sends(twin, "not for bob"));
  ASSERT_TRUE(alice_->sends("one", "w"));
  ASSERT_TRUE(bob_->receiver.hears("one", "w"));
  ASSERT_OK(bob_->listenTo(twin));
  bob_->transport->unsubscribe("one");
  ASSERT_TRUE(alice_->sends(twin, "x"));
  ASSERT_TRUE(bob_->receiver.hears(twin, "x"));
  EXPECT_TRUE(alice_->sends("one", "not for bob"));
  ASSERT_TRUE(alice_->sends(twin, "z"));
  ASSERT_TRUE(bob_->receiver.hears(twin, "z"));
  bob_->transport->subscribe("one");
  bob_->transport->unsubscribe(twin);
  ASSERT_OK(bob_->listenTo("one"));
  ASSERT_TRUE(alice_->sends("one", "y"));
  ASSERT_TRUE(bob_->receiver.hears("one", "y"));
  EXPECT_THAT(bob_->receiver.heard("one"), ElementsAre("w", "y"));
  EXPECT_THAT(bob_->receiver.heard(twin), ElementsAre("x", "z"));
}

TEST(ListenName, IsOneOfABoundedNumber) {
  std::set<std::string> names;
  for (int i = 0; i < 100'000; ++i) {
    names.insert(postgres::listenName(std::string(32, 's'), std::to_string(i)));
  }
  EXPECT_EQ(names.size(), postgres::kListenNames);
}

// The policy holds for the owner of the table too, which the application usually is.
TEST_F(PostgresEventFaults, AUserWithoutPrivilegesOfASuperuserSendsHearsAndTidiesUp) {
  std::string url = *postgres().createDatabase("plain");
  ask("CREATE ROLE plain LOGIN PASSWORD 'plain'; ALTER DATABASE plain OWNER TO plain");
  url.replace(0, url.find('@'), "postgresql://plain:plain");
  alice_ = nodeAt(url, "alice");
  bob_ = nodeAt(url, "bob");
  SetUp();
  const auto pool = PostgresPool::open({.url = url}).value();
  ASSERT_OK(
      pool->execute("INSERT INTO strata_events (channel, payload, created_at)"
                    " SELECT 'old', 'x', now() - interval '11 minutes'"
                    " FROM generate_series(1, 500)"));
  const auto carol = nodeAt(url, "carol");
  ASSERT_OK(carol->start());
  for (int i = 0; i < 3; ++i) ASSERT_OK(carol->send("a", "x"));
  const auto left = [&](const std::string& setting) {
    return pool->execute("SET strata.event_channel = '" + setting +
                         "';"
                         "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM strata_events); END $$");
  };
  EXPECT_OK(left("old"));
  EXPECT_THAT(left("a"), Not(IsOk())) << "the young ones are there";

  // That events cannot be stored was found when the first one was too large for a NOTIFY.
  EXPECT_EQ(carol->transport->healthCheck().state, HealthState::kPass);
  EXPECT_OK(postgres().query("ALTER TABLE strata_events OWNER TO CURRENT_USER", "plain"));
  EXPECT_EQ(carol->transport->healthCheck().state, HealthState::kFail);
  EXPECT_THAT(carol->transport->healthCheck().error,
              HasSubstr("INSERT and SELECT on strata_events"));
}

TEST_F(PostgresEventFaults, OldRowsAreDeletedByWhoeverSends) {
  ask("INSERT INTO strata_events (channel, payload, created_at)"
      " SELECT 'old', 'x', now() - interval '11 minutes' FROM generate_series(1, 500)");
  const std::string young = ask("SELECT count(*) FROM strata_events WHERE channel <> 'old'");
  // A new one begins by tidying up, and goes on while much is left.
  const auto carol = nodeAt(postgres().url(), "carol");
  ASSERT_OK(carol->start());
  for (int i = 0; i < 3; ++i) ASSERT_OK(carol->send("a", "x"));
  EXPECT_EQ(ask("SELECT count(*) FROM strata_events"), young);
  EXPECT_NE(young, "0");
}

// B-93
TEST_F(PostgresEventFaults, EightKilobytesAndAMebibyteGoThroughRowsAndLessDoesNot) {
  const std::string before = ask("SELECT count(*) FROM strata_events");
  for (const std::size_t size : {7000, 8 * 1024, 1024 * 1024}) {
    ASSERT_OK(alice_->send("a", std::string(size, 'x')));
  }
  ASSERT_TRUE(eventually([&] { return bob_->receiver.heard("a").back().size() == 1024 * 1024; }));
  EXPECT_EQ(ask("SELECT count(*) - " + before + " FROM strata_events"), "2");
}

TEST_F(PostgresEventFaults, WhatIsNoTextIsRefused) {
  EXPECT_THAT(alice_->send("a", std::string("a\0b", 3)), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(alice_->send("a", "\xff"), StatusIs(StatusCode::kInvalidArgument));
}

// ---- The start ----

TEST_F(PostgresEventFaults, AServerThatIsDownAtTheStartIsAnErrorAndAGapOnceItIsThere) {
  const auto carol = nodeAt(postgres().url(), "carol");
  ASSERT_OK(postgres().stop());
  EXPECT_THAT(carol->start(), StatusIs(StatusCode::kUnavailable));
  carol->transport->subscribe("a");
  ASSERT_OK(postgres().start());
  ASSERT_TRUE(carol->isToldOfGaps(1));
  ASSERT_TRUE(carol->sends("a", "x"));
  EXPECT_TRUE(carol->receiver.hears("a", "x"));
}

TEST_F(PostgresEventFaults, OptionsThatCannotBeAreRefused) {
  const std::string url = postgres().url();
  const auto pool = PostgresPool::open({.url = url}).value();
  const auto refuses = StatusIs(StatusCode::kInvalidArgument, Not(HasSubstr("hunter2")));
  EXPECT_THAT(makePostgresEventTransport(nullptr, {.url = url}), refuses);
  EXPECT_THAT(makePostgresEventTransport(pool, {.url = "hunter2"}), refuses);
  EXPECT_THAT(makePostgresEventTransport(pool, {.url = url, .app = "a' b"}), refuses);
  EXPECT_THAT(makePostgresEventTransport(pool, {.url = url, .heartbeat = {}}), refuses);
}

}  // namespace
}  // namespace strata
