// A hub over Redis that proves itself with messages to itself: with which rights it can, and what
// follows when those are taken from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "strata/adapters/redis/redis_event_transport.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using testing::LocalServers;
using testing::StatusIs;

constexpr absl::Duration kInterval = absl::Milliseconds(200);
const EventChannel kChannel("order", "o1");

class RedisEventLoopback : public ::testing::Test {
 protected:
  void SetUp() override {
    // The rights that docs/event_hub.md states, and the channels of one application.
    ASSERT_OK(
        servers_->redis().command({"ACL", "SETUSER", "strata", "on", ">p", "resetchannels",
                                   "&shop:events:*", "~strata:event-transport:*", "-@all", "+info",
                                   "+ping", "+del", "+publish", "+subscribe", "+unsubscribe"}));
  }
  absl::StatusOr<std::unique_ptr<EventHub>> hub() {
    EventHubOptions options{.app = "shop"};
    options.loopback_interval = kInterval;
    options.breaker.open_time = absl::Milliseconds(200);
    return makeEventHub(makeRedisEventTransport({.url = "redis://strata:p@127.0.0.1:" +
                                                        std::to_string(servers_->redis().port())})
                            .value(),
                        options);
  }
  static bool isLive(EventSubscription& events) {
    return eventually([&] { return events.waitUntilLive(Deadline::in(absl::Seconds(1))).ok(); });
  }

  const std::unique_ptr<LocalServers> servers_ = LocalServers::start({.redis = true}).value();
};

TEST_F(RedisEventLoopback, TheRightsToTheApplicationsChannelsSuffice) {
  ASSERT_OK_AND_ASSIGN(const auto here, hub());
  ASSERT_OK_AND_ASSIGN(const auto there, hub());
  const auto events = there->subscribe(kChannel).value();
  ASSERT_TRUE(isLive(*events));
  ASSERT_OK(here->publish(kChannel, "done", Json()));
  ASSERT_OK_AND_ASSIGN(const EventDelivery told, events->next(Deadline::in(absl::Seconds(20))));
  EXPECT_NE(told.event, nullptr);
  EXPECT_EQ(there->healthCheck().state, HealthState::kPass);
}

TEST_F(RedisEventLoopback, AHubThatMayNotHearItselfIsNotMade) {
  ASSERT_OK(servers_->redis().command({"ACL", "SETUSER", "strata", "resetchannels"}));
  EXPECT_THAT(hub(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("forbids")));
}

TEST_F(RedisEventLoopback, RightsThatAreTakenAwayAreSeenAndAGapOnceTheyAreBack) {
  ASSERT_OK_AND_ASSIGN(const auto made, hub());
  const auto events = made->subscribe(kChannel).value();
  ASSERT_TRUE(isLive(*events));
  ASSERT_OK(servers_->redis().command({"ACL", "SETUSER", "strata", "resetchannels"}));
  ASSERT_TRUE(eventually([&] { return made->healthCheck().state == HealthState::kWarn; }));
  ASSERT_TRUE(eventually([&] { return !events->waitUntilLive(Deadline::in({})).ok(); }));
  ASSERT_OK(servers_->redis().command({"ACL", "SETUSER", "strata", "&shop:events:*"}));
  ASSERT_OK_AND_ASSIGN(const EventDelivery told, events->next(Deadline::in(absl::Minutes(1))));
  EXPECT_EQ(told.event, nullptr);
  EXPECT_TRUE(isLive(*events));
  EXPECT_TRUE(eventually([&] { return made->healthCheck().state == HealthState::kPass; }));
}

}  // namespace
}  // namespace strata
