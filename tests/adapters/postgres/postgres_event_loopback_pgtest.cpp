// A hub over PostgreSQL whose session listens where nothing arrives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "strata/adapters/postgres/postgres_event_transport.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/recording_event_receiver.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using testing::eventually;
using ::testing::HasSubstr;
using testing::LocalServers;
using testing::StatusIs;

constexpr absl::Duration kInterval = absl::Milliseconds(200);
const EventChannel kChannel("order", "o1");

class PostgresEventLoopback : public ::testing::Test {
 protected:
  std::string urlOfEmptyDatabase() { return *servers_->postgres().createDatabase("elsewhere"); }
  // One with the tables of events. The notifications of one database do not reach another.
  std::string urlOfAnotherDatabase() {
    std::string url = urlOfEmptyDatabase();
    testing::RecordingEventReceiver receiver;
    const auto transport =
        makePostgresEventTransport(PostgresPool::open({.url = url}).value(), {.url = url}).value();
    EXPECT_OK(transport->start(receiver, Deadline::in(absl::Seconds(20))));
    return url;
  }
  std::unique_ptr<EventTransport> transportListeningAt(const std::string& url) {
    auto pool = PostgresPool::open({.url = servers_->postgres().url()}).value();
    return makePostgresEventTransport(std::move(pool), {.url = url}).value();
  }

  const std::unique_ptr<LocalServers> servers_ = LocalServers::start({.postgres = true}).value();
};

// A hub whose session did not hear what the pool sent, as behind a pooler in transaction mode, was
// made, live and healthy: three events were published, none was received, and nobody was told.
TEST_F(PostgresEventLoopback, AHubThatHearsNothingIsNotMadeAndNamesTheSetting) {
  EXPECT_THAT(makeEventHub(transportListeningAt(urlOfAnotherDatabase()),
                           {.app = "shop", .start_timeout = absl::Seconds(2)}),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("none came back"), HasSubstr("DATABASE_DIRECT_URL"))));
}

TEST_F(PostgresEventLoopback, OneThatListensInADatabaseWithoutTheTablesIsNotMade) {
  EXPECT_THAT(makeEventHub(transportListeningAt(urlOfEmptyDatabase()),
                           {.app = "shop", .start_timeout = absl::Seconds(2)}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("strata_event_secret"), HasSubstr("DATABASE_DIRECT_URL"))));
}

TEST_F(PostgresEventLoopback, OneThatIsMadeAllTheSameIsNotLiveAndTellsOfGaps) {
  EventHubOptions options{.app = "shop", .start_timeout = absl::Milliseconds(500)};
  options.loopback_interval = kInterval;
  options.require_connection = false;
  ASSERT_OK_AND_ASSIGN(const auto hub,
                       makeEventHub(transportListeningAt(urlOfAnotherDatabase()), options));
  const auto events = hub->subscribe(kChannel).value();
  EXPECT_THAT(events->waitUntilLive({}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(hub->healthCheck().state, HealthState::kWarn);
  // It listens anew again and again.
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const EventDelivery told, events->next(Deadline::in(absl::Minutes(1))));
    EXPECT_EQ(told.event, nullptr);
  }
}

TEST_F(PostgresEventLoopback, OneThatHearsIsMadeAndStaysLive) {
  EventHubOptions options{.app = "shop"};
  options.loopback_interval = kInterval;
  const std::string url = servers_->postgres().url();
  ASSERT_OK_AND_ASSIGN(const auto hub, makeEventHub(transportListeningAt(url), options));
  const auto events = hub->subscribe(kChannel).value();
  EXPECT_OK(events->waitUntilLive(Deadline::in(absl::Seconds(20))));
  EXPECT_EQ(hub->healthCheck().state, HealthState::kPass);
  // A session that is ended is a gap, and proven anew before it is live.
  ASSERT_OK(servers_->postgres()
                .query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name LIKE 'strata-events-%'")
                .status());
  ASSERT_OK_AND_ASSIGN(const EventDelivery told, events->next(Deadline::in(absl::Minutes(1))));
  EXPECT_EQ(told.event, nullptr);
  EXPECT_TRUE(
      eventually([&] { return events->waitUntilLive(Deadline::in(absl::Seconds(1))).ok(); }));
  EXPECT_EQ(hub->healthCheck().state, HealthState::kPass);
}

}  // namespace
}  // namespace strata
