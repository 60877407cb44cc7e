// Upstash's EventTransport when its stream is lost, ends, or brings nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "strata/adapters/upstash/upstash_event_transport.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/servers/local_servers.h"
#include "tests/adapters/events/event_nodes.h"
#include "tests/adapters/upstash/upstash_proxy.h"

namespace strata {
namespace {

using absl::StatusCode;
using testing::EventFaults;
using testing::EventNode;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;
using testing::TcpProxy;
using testing::UpstashFault;
using testing::UpstashProxy;

constexpr absl::Duration kInterval = absl::Milliseconds(200);
const std::string kPrefix = "test:events:";
const EventChannel kChannel("order", "o1");

UpstashOptions serverAt(const std::string& url) {
  return {.url = url, .token = "the-token", .request_timeout = absl::Seconds(2)};
}

std::unique_ptr<EventTransport> transportAt(const std::string& url) {
  return makeUpstashEventTransport({.server = serverAt(url), .app = "test"}).value();
}

// Calls a channel "a" what the transport below calls "test:events:a".
class Prefixed final : public EventTransport, private EventReceiver {
 public:
  explicit Prefixed(std::unique_ptr<EventTransport> below) : below_(std::move(below)) {}

  absl::Status start(EventReceiver& receiver, Deadline deadline) override {
    receiver_ = &receiver;
    return below_->start(*this, deadline);
  }
  void subscribe(const std::string& channel) override { below_->subscribe(kPrefix + channel); }
  void unsubscribe(const std::string& channel) override { below_->unsubscribe(kPrefix + channel); }
  absl::Status waitUntilSubscribed(const std::string& channel, Deadline deadline) override {
    return below_->waitUntilSubscribed(kPrefix + channel, deadline);
  }
  absl::Status send(absl::Span<const EventMessage> messages, Deadline deadline) override {
    std::vector<EventMessage> named(messages.begin(), messages.end());
    for (EventMessage& message : named) message.channel = kPrefix + message.channel;
    return below_->send(named, deadline);
  }
  absl::Status ping(Deadline deadline) override { return below_->ping(deadline); }
  Health healthCheck() override { return below_->healthCheck(); }

 private:
  void onMessage(std::string_view channel, std::string_view payload) override {
    receiver_->onMessage(channel.substr(kPrefix.size()), payload);
  }
  void onGap(const absl::Status& why) override { receiver_->onGap(why); }
  void onLost(std::string_view channel, const absl::Status& why) override {
    receiver_->onLost(channel.substr(kPrefix.size()), why);
  }

  EventReceiver* receiver_ = nullptr;
  const std::unique_ptr<EventTransport> below_;  // last: it calls the above
};

std::unique_ptr<EventNode> nodeAt(const std::string& url) {
  return std::make_unique<EventNode>(std::make_unique<Prefixed>(transportAt(url)));
}

absl::StatusOr<std::unique_ptr<EventHub>> hubAt(const std::string& url) {
  EventHubOptions options{.app = "test", .start_timeout = absl::Seconds(2)};
  options.loopback_interval = kInterval;
  options.breaker.open_time = absl::Milliseconds(200);
  return makeEventHub(transportAt(url), options);
}

// Alice sends past the line, Bob listens through it.
class UpstashEventFaults : public EventFaults {
 protected:
  UpstashEventFaults() : EventFaults({.redis = true}) {
    alice_ = nodeAt(api_->url());
    bob_ = nodeAt(lineUrl());
  }
  ~UpstashEventFaults() override {
    alice_.reset();
    bob_.reset();
  }
  std::string lineUrl() const { return "http://127.0.0.1:" + std::to_string(line_->port()); }

  const std::unique_ptr<UpstashProxy> api_ =
      UpstashProxy::start({.redis_socket = servers_->redis().socketPath()});
  const std::unique_ptr<TcpProxy> line_ = TcpProxy::start(api_->port()).value();
};

// The stream asked the system for the address, whatever the options said.
TEST_F(UpstashEventFaults, ListensWhereTheResolverOfTheOptionsLeads) {
  const auto asked = std::make_shared<std::atomic<int>>(0);
  UpstashOptions server = serverAt("http://localhost:" + std::to_string(api_->port()));
  server.resolver = [asked](const std::string&) {
    ++*asked;
    return std::vector<std::string>{"127.0.0.1"};
  };
  auto transport = makeUpstashEventTransport({.server = std::move(server), .app = "test"});
  ASSERT_THAT(transport, testing::IsOk());
  const EventNode node(*std::move(transport));
  EXPECT_THAT(node.start(), testing::IsOk());
  EXPECT_GT(*asked, 0);
}

// B-90
TEST_F(UpstashEventFaults, ACutIsOneGapAndEverySubscriptionIsBackWhenItIsTold) {
  isToldOfOneGapForEachCut(*line_);
  EXPECT_EQ(alice_->receiver.gaps(), 0);
}

// B-90
TEST_F(UpstashEventFaults, AServiceThatEndsItsStreamsIsAGap) {
  api_->closeConnections();
  ASSERT_TRUE(bob_->isToldOfGaps(1));
  ASSERT_TRUE(alice_->isToldOfGaps(1));
  hearsInOrder("after");
}

TEST_F(UpstashEventFaults, AServerBehindTheServiceThatWasRestartedIsAGap) {
  ASSERT_OK(servers_->redis().restart());
  api_->closeConnections();
  ASSERT_TRUE(bob_->isToldOfGaps(1));
  hearsInOrder("after");
}

TEST_F(UpstashEventFaults, WhileTheServiceRefusesItIsLostAndTriesAgain) {
  api_->inject({.kind = UpstashFault::Kind::kAnswer, .status = 429, .body = "{}"});
  line_->resetConnections();
  ASSERT_TRUE(bob_->noticesThatItIsLost("a"));
  ASSERT_TRUE(eventually([&] { return !bob_->transport->healthCheck().healthy(); }));
  EXPECT_EQ(bob_->receiver.gaps(), 0);
  bob_->transport->subscribe("c");
  bob_->transport->unsubscribe("b");
  api_->heal();
  ASSERT_TRUE(bob_->isToldOfGaps(1));
  EXPECT_OK(bob_->listenTo("c"));
  ASSERT_OK(alice_->send("b", "not subscribed to"));
  ASSERT_OK(alice_->send("c", "new"));
  ASSERT_TRUE(bob_->receiver.hears("c", "new"));
  EXPECT_EQ(bob_->receiver.heard("b").back(), "before 2");
  EXPECT_EQ(bob_->receiver.gaps(), 1);
}

TEST_F(UpstashEventFaults, ChannelsThatComeAndGoWhileTheServiceIsAwayAreForgotten) {
  line_->setMode(TcpProxy::Mode::kRefuse);
  ASSERT_TRUE(bob_->noticesThatItIsLost("a"));
  keepsNothingOfChannelsThatComeAndGo();
  line_->setMode(TcpProxy::Mode::kForward);
  hearsTheChannelsThatAreLeft();
}

TEST_F(UpstashEventFaults, AnyNumberOfChannelsComesOverOneStream) {
  for (int i = 0; i < 300; ++i) ASSERT_OK(bob_->listenTo("many " + std::to_string(i)));
  ASSERT_OK(alice_->send("many 299", "x"));
  ASSERT_TRUE(bob_->receiver.hears("many 299", "x"));
  EXPECT_EQ(api_->streams(), 2U);  // Alice's and Bob's
}

TEST_F(UpstashEventFaults, AMessageThatTheServiceNeverTakesIsRefused) {
  api_->inject({.kind = UpstashFault::Kind::kAnswer, .status = 413, .body = "{}"});
  EXPECT_THAT(alice_->send("a", "too large"), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(UpstashEventFaults, EndsPromptlyWhileNothingMoves) {
  line_->setMode(TcpProxy::Mode::kSilent);
  endsPromptly();
}

// ---- What a hub makes of it ----

// A stream has no heartbeat: one that brings nothing looks like one on which nothing is published.
TEST_F(UpstashEventFaults, AHubWhoseStreamBringsNothingTakesAnotherAndTellsOfAGap) {
  ASSERT_OK_AND_ASSIGN(const auto hub, hubAt(api_->url()));
  const auto events = hub->subscribe(kChannel).value();
  ASSERT_OK(events->waitUntilLive(Deadline::in(absl::Seconds(20))));
  const std::size_t connections = api_->connections();
  api_->setDeaf(true);
  ASSERT_OK_AND_ASSIGN(const EventDelivery told, events->next(Deadline::in(absl::Minutes(1))));
  EXPECT_EQ(told.event, nullptr);
  EXPECT_GT(api_->connections(), connections);
  EXPECT_EQ(hub->healthCheck().state, HealthState::kWarn);
  EXPECT_THAT(hub->healthCheck().error, HasSubstr("none came back"));
  api_->setDeaf(false);
  EXPECT_TRUE(
      eventually([&] { return events->waitUntilLive(Deadline::in(absl::Seconds(1))).ok(); }));
  EXPECT_TRUE(eventually([&] { return hub->healthCheck().state == HealthState::kPass; }));
}

TEST_F(UpstashEventFaults, AHubWhoseStreamBringsNothingFromTheStartIsNotMade) {
  api_->setDeaf(true);
  EXPECT_THAT(hubAt(api_->url()), StatusIs(StatusCode::kUnavailable, HasSubstr("none came back")));
}

TEST_F(UpstashEventFaults, AHubThatWasCutOffIsServedAgain) {
  ASSERT_OK_AND_ASSIGN(const auto hub, hubAt(lineUrl()));
  ASSERT_OK_AND_ASSIGN(const auto other, hubAt(api_->url()));
  const auto events = hub->subscribe(kChannel).value();
  ASSERT_OK(events->waitUntilLive(Deadline::in(absl::Seconds(20))));
  line_->setMode(TcpProxy::Mode::kSilent);
  ASSERT_TRUE(eventually([&] { return hub->healthCheck().state == HealthState::kWarn; }));
  line_->heal();
  ASSERT_TRUE(eventually([&] { return hub->healthCheck().state == HealthState::kPass; },
                         absl::Seconds(60)));
  ASSERT_TRUE(
      eventually([&] { return events->waitUntilLive(Deadline::in(absl::Seconds(1))).ok(); }));
  ASSERT_OK(other->publish(kChannel, "after", Json()));
  EXPECT_TRUE(eventually([&] {
    const auto told = events->tryNext();
    return told && told->event != nullptr && told->event->name == "after";
  }));
}

// ---- The start ----

class UpstashEventStart : public ::testing::Test {
 protected:
  static absl::Status startOf(UpstashFault fault) {
    const auto api =
        UpstashProxy::start({.redis_socket = testing::sharedServers().redis().socketPath()});
    api->inject(std::move(fault));
    return nodeAt(api->url())->start();
  }
};

TEST_F(UpstashEventStart, AWrongTokenIsToldWithoutIt) {
  const auto api =
      UpstashProxy::start({.redis_socket = testing::sharedServers().redis().socketPath()});
  UpstashOptions server = serverAt(api->url());
  server.token = "hunter2";
  const EventNode node(makeUpstashEventTransport({.server = server, .app = "test"}).value());
  EXPECT_THAT(node.start(), StatusIs(StatusCode::kPermissionDenied, Not(HasSubstr("hunter2"))));
}

TEST_F(UpstashEventStart, ATokenThatIsRefusedIsAskedForAnew) {
  const auto api =
      UpstashProxy::start({.redis_socket = testing::sharedServers().redis().socketPath()});
  UpstashOptions server = serverAt(api->url());
  server.token = "";
  server.token_source = [asked =
                             std::make_shared<std::atomic<int>>(0)]() -> absl::StatusOr<Secret> {
    return Secret((*asked)++ == 0 ? "expired" : "the-token");
  };
  const EventNode node(makeUpstashEventTransport({.server = server, .app = "test"}).value());
  EXPECT_OK(node.start());
}

TEST_F(UpstashEventStart, WhatAnswersButDoesNotStreamIsRefused) {
  EXPECT_THAT(startOf({.kind = UpstashFault::Kind::kAnswer, .body = R"({"result":"OK"})"}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("event stream")));
  EXPECT_THAT(startOf({.kind = UpstashFault::Kind::kAnswer, .status = 404, .body = "{}"}),
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(startOf({.kind = UpstashFault::Kind::kGarbage, .body = "SSH-2.0-x\r\n\r\n"}),
              StatusIs(StatusCode::kInternal));
  EXPECT_THAT(startOf({.kind = UpstashFault::Kind::kClose}), StatusIs(StatusCode::kUnavailable));
}

TEST_F(UpstashEventStart, AServiceThatIsDownIsAnErrorAndAGapOnceItIsThere) {
  const auto api =
      UpstashProxy::start({.redis_socket = testing::sharedServers().redis().socketPath()});
  const auto line = TcpProxy::start(api->port()).value();
  line->setMode(TcpProxy::Mode::kRefuse);
  const auto node = nodeAt("http://127.0.0.1:" + std::to_string(line->port()));
  EXPECT_THAT(node->start(), StatusIs(StatusCode::kUnavailable));
  node->transport->subscribe("a");
  EXPECT_FALSE(node->transport->healthCheck().healthy());
  line->heal();
  ASSERT_TRUE(node->isToldOfGaps(1));
  ASSERT_TRUE(node->sends("a", "x"));
  EXPECT_TRUE(node->receiver.hears("a", "x"));
}

TEST_F(UpstashEventStart, OptionsThatCannotBeAreRefused) {
  const auto refuses = StatusIs(StatusCode::kInvalidArgument, Not(HasSubstr("hunter2")));
  EXPECT_THAT(makeUpstashEventTransport({.server = serverAt("redis://hunter2"), .app = "test"}),
              refuses);
  EXPECT_THAT(makeUpstashEventTransport({.server = serverAt("http://127.0.0.1"), .app = ""}),
              refuses);
}

}  // namespace
}  // namespace strata
