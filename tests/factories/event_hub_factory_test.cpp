// Which hub createEventHub builds, and what it refuses. No server is asked.
#include "strata/factories/event_hub_factory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "strata/testing/mocks/mock_event_hub.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

using Provider = EventHubProvider;
constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;
const std::string kDatabase = "postgresql://u:hunter2@127.0.0.1:1/db";
const std::string kRedis = "redis://:hunter2@127.0.0.1:1";
const std::string kRest = "https://127.0.0.1:1";

Config configOf(const std::string& database, const std::string& cache,
                Provider provider = Provider::kAuto) {
  Config config;
  config.app = "shop";
  config.database_url = database;
  config.cache_url = cache;
  if (cache == kRest) config.cache_password = "the-token";
  config.event_hub_provider = provider;
  return config;
}

TEST(EventHubProviderTest, IsRedisThenTheDatabaseThenRestThenThisProcess) {
  EXPECT_EQ(configOf("", "").eventHubProvider(), Provider::kMemory);
  EXPECT_EQ(configOf(kDatabase, "").eventHubProvider(), Provider::kPostgres);
  EXPECT_EQ(configOf(kDatabase, kRedis).eventHubProvider(), Provider::kRedis);
  EXPECT_EQ(configOf("", kRedis).eventHubProvider(), Provider::kRedis);
  EXPECT_EQ(configOf(kDatabase, kRest).eventHubProvider(), Provider::kPostgres);
  EXPECT_EQ(configOf("", kRest).eventHubProvider(), Provider::kUpstash);
  for (const Provider provider :
       {Provider::kRedis, Provider::kUpstash, Provider::kPostgres, Provider::kMemory}) {
    EXPECT_EQ(configOf(kDatabase, kRedis, provider).eventHubProvider(), provider);
  }
}

TEST(EventHubProviderTest, IsNotRedisWithTheSwitchOff) {
  for (const Provider provider : {Provider::kAuto, Provider::kRedis}) {
    Config config = configOf(kDatabase, kRedis, provider);
    config.enable_redis_event_hubs = false;
    EXPECT_EQ(config.eventHubProvider(), Provider::kPostgres);
    config.database_url = "";
    EXPECT_EQ(config.eventHubProvider(), std::nullopt);
  }
  for (const Provider provider : {Provider::kAuto, Provider::kUpstash}) {
    Config config = configOf("", kRest, provider);
    config.enable_redis_event_hubs = false;
    EXPECT_EQ(config.eventHubProvider(), std::nullopt);
  }
}

// B-92
TEST(CreateEventHub, FailsWithoutATransportAndSaysWhatToSet) {
  Config off = configOf("", kRedis);
  off.enable_redis_event_hubs = false;
  EXPECT_THAT(createEventHub(off),
              StatusIs(kFailedPrecondition,
                       AllOf(HasSubstr("ENABLE_REDIS_EVENT_HUBS"), HasSubstr("DATABASE_URL"),
                             HasSubstr("EVENT_HUB_PROVIDER=memory"), Not(HasSubstr("hunter2")))));
}

// B-92
TEST(CreateEventHub, FailsWhereTheServerCannotBeReached) {
  EXPECT_THAT(createEventHub(configOf("", kRedis), {.start_timeout = absl::Milliseconds(200)}),
              StatusIs(::testing::AnyOf(absl::StatusCode::kUnavailable,
                                        absl::StatusCode::kDeadlineExceeded),
                       AllOf(HasSubstr("REDIS_URL"), Not(HasSubstr("hunter2")))));
  EXPECT_THAT(createEventHub(configOf("", kRest), {.start_timeout = absl::Milliseconds(200)}),
              StatusIs(::testing::AnyOf(absl::StatusCode::kUnavailable,
                                        absl::StatusCode::kDeadlineExceeded),
                       AllOf(HasSubstr("REDIS_URL"), Not(HasSubstr("the-token")))));
  EXPECT_THAT(createEventHub(configOf(kDatabase, "")),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("DATABASE_URL"), Not(HasSubstr("hunter2")))));
}

TEST(CreateEventHub, GoesOnWithoutTheServerWhereThatIsAllowed) {
  ASSERT_OK_AND_ASSIGN(
      const auto hub, createEventHub(configOf("", kRedis), {.start_timeout = absl::Milliseconds(50),
                                                            .require_connection = false}));
  const EventChannel channel("order", "o1");
  const auto events = hub->subscribe(channel).value();
  EXPECT_OK(hub->publish(channel, "done", Json()));
  EXPECT_NE(events->tryNext()->event, nullptr);
  const Health health = hub->healthCheck();
  EXPECT_EQ(health.state, HealthState::kWarn);
  EXPECT_THAT(describe(health), Not(HasSubstr("hunter2")));
}

TEST(CreateEventHub, ReachesThisProcessWithoutAServer) {
  Backends backends;
  const auto metrics = std::make_shared<InMemoryMetrics>();
  backends.metrics = metrics;
  ASSERT_OK_AND_ASSIGN(const auto hub, createEventHub(backends));
  EXPECT_OK(hub->publish(EventChannel("order", "o1"), "opened", Json()));
  EXPECT_EQ(hub->healthCheck().backend, "in-memory");
  EXPECT_EQ(metrics->count("strata_events_published_total"), 1);
}

TEST(CreateEventHub, RefusesWhatIsWrong) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(createEventHub(configOf("", "", Provider::kRedis)),
              StatusIs(kInvalid, HasSubstr("EVENT_HUB_PROVIDER")));
  EXPECT_THAT(createEventHub(Config{}, {.max_outbox = 0}), StatusIs(kInvalid));
}

// ---- The mock that users get ----

TEST(MockEventHubTest, FeedsWhoeverSubscribes) {
  testing::MockEventHub hub;
  testing::EventFeed feed;
  EXPECT_CALL(hub, publish(EventChannel("order", "o1"), "done", _));
  EXPECT_CALL(hub, subscribe).WillOnce([&](const EventChannel&, SubscribeOptions options) {
    return feed.subscription(std::move(options));
  });
  EXPECT_OK(hub.publish(EventChannel("order", "o1"), "done", Json()));
  const auto events = hub.subscribe(EventChannel("order", "o1"), {}).value();
  feed.tell(Event{.name = "message"});
  feed.tell(EventGap{.reason = EventGap::Reason::kSlow, .missed = 3});
  feed.end();
  EXPECT_EQ(events->next()->event->name, "message");
  EXPECT_EQ(events->next()->gap.missed, 3U);
  EXPECT_THAT(events->next(), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace strata
