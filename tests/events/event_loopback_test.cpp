// A hub whose transport is alive and brings nothing: how it finds out, and what follows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "strata/events/event_hub.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/status_matchers.h"
#include "tests/events/event_fixture.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::StatusIs;

constexpr absl::Duration kInterval = absl::Seconds(5);
const EventChannel kChannel("order", {"acme", "o1"});
const std::string kName = "shop:events:order:acme:o1";

// What the transport shall do, and what was asked of it. Outlives it.
struct Line {
  // Messages that were sent and not brought yet.
  void bring() {
    for (const EventMessage& message : std::exchange(held_back, {})) {
      receiver->onMessage(message.channel, message.payload);
    }
  }

  bool is_deaf = false;
  bool holds_back = false;
  absl::Status listens;
  absl::Status sends;
  std::string advice = "look at the pooler";

  EventReceiver* receiver = nullptr;
  std::vector<EventMessage> sent;
  std::vector<EventMessage> held_back;
  std::vector<std::string> relistened;  // why
};

class LoopbackTransport final : public EventTransport {
 public:
  explicit LoopbackTransport(std::shared_ptr<Line> line) : line_(std::move(line)) {}

  absl::Status start(EventReceiver& receiver, Deadline /*deadline*/) override {
    line_->receiver = &receiver;
    return absl::OkStatus();
  }
  void subscribe(const std::string& /*channel*/) override {}
  void unsubscribe(const std::string& /*channel*/) override {}
  absl::Status waitUntilSubscribed(const std::string&, Deadline) override { return line_->listens; }
  absl::Status send(absl::Span<const EventMessage> messages, Deadline /*deadline*/) override {
    if (!line_->sends.ok()) return line_->sends;
    line_->sent.insert(line_->sent.end(), messages.begin(), messages.end());
    if (line_->is_deaf) return absl::OkStatus();
    line_->held_back.insert(line_->held_back.end(), messages.begin(), messages.end());
    if (!line_->holds_back) line_->bring();
    return absl::OkStatus();
  }
  std::string_view loopbackAdvice() const override { return line_->advice; }
  void relisten(const absl::Status& why) override { line_->relistened.emplace_back(why.message()); }
  absl::Status ping(Deadline /*deadline*/) override { return line_->sends; }
  Health healthCheck() override { return {.component = "event-transport", .backend = "fake"}; }

 private:
  const std::shared_ptr<Line> line_;
};

class EventLoopbackTest : public ::testing::Test {
 protected:
  void makeHub() {
    hub_ = makeEventHub(std::make_unique<LoopbackTransport>(line_),
                        {.app = "shop", .instance_id = "here", .loopback_interval = kInterval},
                        metrics_, clock_, executor_)
               .value();
    events_ = hub_->subscribe(kChannel).value();
  }
  // As if the connection had been made anew.
  void reconnect() { line_->receiver->onGap(absl::UnavailableError("relistened")); }
  absl::Status live() { return events_->waitUntilLive(Deadline::at(clock_.now())); }

  testing::FakeClock clock_;
  std::shared_ptr<testing::FakeExecutor> executor_ =
      std::make_shared<testing::FakeExecutor>(clock_);
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::shared_ptr<Line> line_ = std::make_shared<Line>();
  std::unique_ptr<EventHub> hub_;
  std::unique_ptr<EventSubscription> events_;
};

TEST_F(EventLoopbackTest, AHubHearsItselfBeforeItIsMadeAndAgainWhileItLives) {
  makeHub();
  ASSERT_THAT(line_->sent, SizeIs(1));
  EXPECT_THAT(line_->sent[0].channel, StartsWith("shop:events:~self:"));
  EXPECT_OK(live());
  executor_->advance(10 * kInterval);
  ASSERT_THAT(line_->sent, SizeIs(11));
  EXPECT_EQ(line_->sent[1].channel, line_->sent[0].channel);
  EXPECT_NE(line_->sent[1].payload, line_->sent[0].payload);
  EXPECT_THAT(taken(*events_), IsEmpty());
  EXPECT_THAT(line_->relistened, IsEmpty());
  EXPECT_EQ(hub_->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(metrics_->count("strata_events_published_total"), 0);
}

TEST_F(EventLoopbackTest, NoTwoHubsHaveTheSameChannel) {
  makeHub();
  makeHub();
  ASSERT_THAT(line_->sent, SizeIs(2));
  EXPECT_NE(line_->sent[0].channel, line_->sent[1].channel);
}

TEST_F(EventLoopbackTest, OneWhoseMessagesDoNotComeBackAnywaySendsNone) {
  line_->advice = "";
  line_->is_deaf = true;
  makeHub();
  executor_->advance(10 * kInterval);
  EXPECT_THAT(line_->sent, IsEmpty());
  EXPECT_OK(live());
}

// Over a pooler in transaction mode a hub was made, live and healthy, and heard nothing: no event
// arrived, and nobody was told of a gap.
TEST(EventLoopbackStart, ADeafHubIsNotMadeAndSaysWhatToDo) {
  const auto line = std::make_shared<Line>();
  line->is_deaf = true;
  EXPECT_THAT(makeEventHub(std::make_unique<LoopbackTransport>(line),
                           {.app = "shop", .start_timeout = absl::Milliseconds(50)}),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("none came back"), HasSubstr("look at the pooler"))));
  EXPECT_THAT(line->sent, SizeIs(2));
}

TEST(EventLoopbackStart, AMessageThatCannotBeSentFailsItToo) {
  const auto line = std::make_shared<Line>();
  line->sends = absl::PermissionDeniedError("may not publish");
  EXPECT_THAT(makeEventHub(std::make_unique<LoopbackTransport>(line), {.app = "shop"}),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("may not publish")));
}

TEST(EventLoopbackStart, WithoutARequiredConnectionADeafHubIsMadeAndSaysSo) {
  const auto line = std::make_shared<Line>();
  line->is_deaf = true;
  ASSERT_OK_AND_ASSIGN(const auto hub, makeEventHub(std::make_unique<LoopbackTransport>(line),
                                                    {.app = "shop",
                                                     .start_timeout = absl::Milliseconds(50),
                                                     .require_connection = false}));
  const auto events = hub->subscribe(kChannel).value();
  EXPECT_THAT(events->waitUntilLive({}), StatusIs(absl::StatusCode::kUnavailable));
  const Health health = hub->healthCheck();
  EXPECT_EQ(health.state, HealthState::kWarn);
  EXPECT_THAT(health.error, HasSubstr("look at the pooler"));
}

TEST_F(EventLoopbackTest, OneThatBecomesDeafListensAnewAndIsNotLiveBeforeItHears) {
  makeHub();
  line_->is_deaf = true;
  executor_->advance(4 * kInterval);
  EXPECT_THAT(line_->relistened, ElementsAre(HasSubstr("look at the pooler")));
  EXPECT_THAT(hub_->healthCheck().error, HasSubstr("look at the pooler"));
  EXPECT_EQ(hub_->healthCheck().state, HealthState::kWarn);
  EXPECT_THAT(live(), StatusIs(absl::StatusCode::kUnavailable));
  // Another connection, and still nothing arrives.
  reconnect();
  executor_->advance(3 * kInterval);
  EXPECT_THAT(line_->relistened, SizeIs(2));
  EXPECT_EQ(hub_->healthCheck().state, HealthState::kWarn);
  line_->is_deaf = false;
  reconnect();
  executor_->runDue();
  EXPECT_OK(live());
  EXPECT_EQ(hub_->healthCheck().state, HealthState::kPass);
  EXPECT_THAT(taken(*events_), ElementsAre("gap disconnected 0"));
  EXPECT_EQ(metrics_->count("strata_events_gaps_total", {{"reason", "disconnected"}}), 1);
}

TEST_F(EventLoopbackTest, AfterALostConnectionItIsLiveOnceItHears) {
  makeHub();
  reconnect();
  EXPECT_THAT(live(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  executor_->runDue();
  EXPECT_OK(live());
}

TEST_F(EventLoopbackTest, AMessageThatIsLostIsAGapWithoutALostConnection) {
  makeHub();
  line_->is_deaf = true;
  executor_->advance(kInterval);
  line_->is_deaf = false;
  executor_->advance(kInterval);
  EXPECT_THAT(taken(*events_), ElementsAre("gap disconnected 0"));
  EXPECT_THAT(line_->relistened, IsEmpty());
  EXPECT_OK(live());
}

// A process that was stopped for a minute finds both what it sent and that the time is over.
TEST_F(EventLoopbackTest, WhatComesLateIsNoDeafness) {
  makeHub();
  line_->holds_back = true;
  executor_->advance(kInterval);
  ASSERT_THAT(line_->held_back, SizeIs(1));
  clock_.advance(absl::Minutes(1));
  executor_->runDue();
  ASSERT_THAT(line_->held_back, SizeIs(2));
  line_->bring();
  executor_->advance(kInterval);
  EXPECT_THAT(line_->relistened, IsEmpty());
  EXPECT_THAT(taken(*events_), IsEmpty());
}

TEST_F(EventLoopbackTest, WhatMayBeBehindOtherMessagesIsWaitedForButNotForEver) {
  makeHub();
  line_->is_deaf = true;
  for (int i = 0; i < 8; ++i) {
    executor_->advance(kInterval);
    line_->receiver->onMessage(kName, "not an envelope");
  }
  EXPECT_THAT(line_->sent, SizeIs(2));
  EXPECT_THAT(line_->relistened, IsEmpty());
  for (int i = 0; i < 20; ++i) {
    executor_->advance(kInterval);
    line_->receiver->onMessage(kName, "not an envelope");
  }
  EXPECT_THAT(line_->relistened, SizeIs(1));
}

TEST_F(EventLoopbackTest, NothingFollowsFromWhatCannotBeSent) {
  makeHub();
  line_->sends = absl::UnavailableError("down");
  executor_->advance(10 * kInterval);
  EXPECT_THAT(line_->relistened, IsEmpty());
  EXPECT_THAT(taken(*events_), IsEmpty());
  line_->sends = absl::OkStatus();
  executor_->advance(4 * kInterval);
  EXPECT_EQ(hub_->healthCheck().state, HealthState::kPass);
  EXPECT_THAT(line_->sent, SizeIs(::testing::Gt(1)));
}

TEST_F(EventLoopbackTest, NothingFollowsWhereTheTransportSaysThatItDoesNotListen) {
  makeHub();
  line_->is_deaf = true;
  line_->listens = absl::UnavailableError("lost");
  executor_->advance(10 * kInterval);
  EXPECT_THAT(line_->relistened, IsEmpty());
}

TEST_F(EventLoopbackTest, ItGoesAheadOfWhatWaitsAndLosesNothingOfIt) {
  makeHub();
  executor_->advance(kInterval - absl::Milliseconds(1));
  line_->sends = absl::UnavailableError("down");
  for (int i = 1; i <= 3; ++i) ASSERT_OK(hub_->publish(kChannel, "e", numbered(i)));
  executor_->advance(absl::Milliseconds(2));
  line_->sends = absl::OkStatus();
  executor_->advance(4 * kInterval);
  std::vector<std::string> channels;
  for (const EventMessage& message : line_->sent) {
    if (message.channel == kName) channels.push_back(message.channel);
  }
  EXPECT_THAT(channels, SizeIs(3));
}

TEST_F(EventLoopbackTest, OptionsThatCannotBeAreRefused) {
  for (const absl::Duration interval : {absl::ZeroDuration(), absl::InfiniteDuration()}) {
    EXPECT_THAT(makeEventHub(nullptr, {.loopback_interval = interval}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("loopback_interval")));
  }
}

}  // namespace
}  // namespace strata
