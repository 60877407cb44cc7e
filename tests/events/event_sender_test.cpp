// What a hub asks of its transport: subscriptions and sending.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "src/events/channels.h"
#include "src/events/envelope.h"
#include "src/events/event_budget.h"
#include "strata/events/event_hub.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/status_matchers.h"
#include "tests/events/event_fixture.h"

namespace strata {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using testing::StatusIs;

const EventChannel kChannel("order", {"acme", "o1"});
const std::string kName = "shop:events:order:acme:o1";
const absl::Status kDown = absl::UnavailableError("connection refused");

// What hubs asked for. Outlives the transport.
struct Asked {
  std::mutex mutex;
  std::map<std::string, std::vector<bool>> subscriptions;  // true: subscribe
  std::vector<std::vector<std::string>> batches;           // of what was sent, as `textOf`
  int sends = 0;                                           // attempts
  int pings = 0;
  absl::Status failure;        // of sending and of pings
  std::string never_sendable;  // data that is refused
  EventReceiver* receiver = nullptr;
};

class RecordingTransport final : public EventTransport {
 public:
  explicit RecordingTransport(std::shared_ptr<Asked> asked) : asked_(std::move(asked)) {}

  absl::Status start(EventReceiver& receiver, Deadline /*deadline*/) override {
    asked_->receiver = &receiver;
    return absl::OkStatus();
  }
  void subscribe(const std::string& channel) override { note(channel, true); }
  void unsubscribe(const std::string& channel) override { note(channel, false); }
  absl::Status waitUntilSubscribed(const std::string&, Deadline) override {
    return absl::OkStatus();
  }
  absl::Status send(absl::Span<const EventMessage> messages, Deadline /*deadline*/) override {
    ++asked_->sends;
    if (!asked_->failure.ok()) return asked_->failure;
    std::vector<std::string> batch;
    for (const EventMessage& message : messages) {
      auto event = std::make_shared<Event>(internal::decodeEnvelope(message.payload).value());
      if (event->data.text() == asked_->never_sendable) return absl::InvalidArgumentError("no");
      batch.push_back(textOf({.event = event, .gap = {}}));
    }
    asked_->batches.push_back(std::move(batch));
    return absl::OkStatus();
  }
  absl::Status ping(Deadline /*deadline*/) override {
    ++asked_->pings;
    return asked_->failure;
  }
  Health healthCheck() override { return {.component = "event-transport", .backend = "redis"}; }

 private:
  void note(const std::string& channel, bool subscribe) {
    const std::lock_guard lock(asked_->mutex);
    asked_->subscriptions[channel].push_back(subscribe);
  }
  const std::shared_ptr<Asked> asked_;
};

class EventSenderTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventHub> hubOf(EventHubOptions options) {
    options.app = "shop";
    options.instance_id = "here";
    return makeEventHub(std::make_unique<RecordingTransport>(asked_), options, metrics_, clock_,
                        executor_)
        .value();
  }
  void publish(int first, int last) {
    for (int i = first; i <= last; ++i) EXPECT_OK(hub_->publish(kChannel, "e", numbered(i)));
  }
  std::int64_t dropped(const char* reason) const {
    return metrics_->count("strata_events_dropped_total", {{"reason", reason}});
  }
  std::vector<std::string> sent() const {
    std::vector<std::string> all;
    for (const auto& batch : asked_->batches) all.insert(all.end(), batch.begin(), batch.end());
    return all;
  }

  testing::FakeClock clock_;
  std::shared_ptr<testing::FakeExecutor> executor_ =
      std::make_shared<testing::FakeExecutor>(clock_);
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::shared_ptr<Asked> asked_ = std::make_shared<Asked>();
  std::unique_ptr<EventHub> hub_ = hubOf({});
};

TEST_F(EventSenderTest, PublishingWaitsForNothingAndSendsInBatchesInOrder) {
  publish(1, 300);
  EXPECT_EQ(asked_->sends, 0);
  EXPECT_EQ(executor_->size(), 1U);
  executor_->runDue();
  EXPECT_EQ(executor_->size(), 0U);
  EXPECT_THAT(asked_->batches, SizeIs(3));
  EXPECT_THAT(asked_->batches, ::testing::Each(SizeIs(Le(128))));
  ASSERT_THAT(sent(), SizeIs(300));
  EXPECT_EQ(sent()[0], "e 1 = 1");
  EXPECT_EQ(sent()[299], "e 300 = 300");
  publish(301, 301);
  executor_->runDue();
  EXPECT_EQ(sent().back(), "e 301 = 301");
  EXPECT_EQ(metrics_->summary("strata_events_send_seconds").count, 4);
}

TEST_F(EventSenderTest, ABatchIsAboutAMebibyteButAtLeastOneMessage) {
  const Json large = Json::parse('"' + std::string(700'000, 'x') + '"').value();
  const Json huge = Json::parse('"' + std::string(3'000'000, 'x') + '"').value();
  for (const Json& data : {large, huge, large, Json(), Json()}) {
    ASSERT_OK(hub_->publish(kChannel, "e", data));
  }
  executor_->runDue();
  std::vector<std::size_t> sizes;
  for (const auto& batch : asked_->batches) sizes.push_back(batch.size());
  EXPECT_THAT(sizes, ElementsAre(1, 1, 3));
}

TEST_F(EventSenderTest, WhatFailedIsSentAgainInOrder) {
  asked_->failure = kDown;
  publish(1, 2);
  executor_->runDue();
  EXPECT_EQ(asked_->sends, 1);
  EXPECT_EQ(metrics_->level("strata_events_outbox"), 2);
  publish(3, 3);
  asked_->failure = absl::OkStatus();
  executor_->advance(absl::Milliseconds(50));
  EXPECT_THAT(asked_->batches, ElementsAre(ElementsAre("e 1 = 1", "e 2 = 2", "e 3 = 3")));
  EXPECT_EQ(metrics_->level("strata_events_outbox"), 0);
}

TEST_F(EventSenderTest, NobodySendsWhileTheBreakerIsOpenAndItGoesOnOnceThatHasProbed) {
  asked_->failure = kDown;
  publish(1, 2);
  executor_->advance(absl::Seconds(1));
  EXPECT_EQ(asked_->sends, 3);
  EXPECT_EQ(hub_->healthCheck().state, HealthState::kWarn);
  EXPECT_THAT(hub_->healthCheck().error, HasSubstr("connection refused"));
  publish(3, 4);
  executor_->advance(absl::Seconds(20));
  EXPECT_EQ(asked_->sends, 3);
  EXPECT_GE(asked_->pings, 3);
  asked_->failure = absl::OkStatus();
  executor_->advance(absl::Seconds(7));
  EXPECT_THAT(sent(), ElementsAre("e 1 = 1", "e 2 = 2", "e 3 = 3", "e 4 = 4"));
  EXPECT_EQ(hub_->healthCheck().state, HealthState::kPass);
}

TEST_F(EventSenderTest, AFullOutboxDropsTheOldestAndTellsSoFirst) {
  hub_ = hubOf({.max_outbox = 3});
  publish(1, 5);
  EXPECT_EQ(dropped("outbox_full"), 2);
  executor_->runDue();
  EXPECT_THAT(sent(), ElementsAre(R"( 2 = {"missed":2})", "e 3 = 3", "e 4 = 4", "e 5 = 5"));
}

TEST_F(EventSenderTest, TheOutboxIsBoundedInBytesToo) {
  hub_ = hubOf({.max_outbox_bytes = 2'000});
  publish(1, 100);
  EXPECT_GT(dropped("outbox_full"), 90);
  ASSERT_OK(
      hub_->publish(kChannel, "large", Json::parse('"' + std::string(10'000, 'x') + '"').value()));
  executor_->runDue();
  ASSERT_THAT(sent(), SizeIs(2));
  EXPECT_EQ(sent()[0], R"( 100 = {"missed":100})");
}

TEST_F(EventSenderTest, WhatIsTooOldIsDroppedAndTold) {
  asked_->failure = kDown;
  publish(1, 3);
  executor_->advance(absl::Seconds(50));
  publish(4, 4);
  executor_->advance(absl::Seconds(30));
  EXPECT_EQ(dropped("too_old"), 0);  // nobody looks while the breaker is open
  asked_->failure = absl::OkStatus();
  executor_->advance(absl::Seconds(7));
  EXPECT_EQ(dropped("too_old"), 3);
  EXPECT_THAT(sent(), ElementsAre(R"( 3 = {"missed":3})", "e 4 = 4"));
}

TEST_F(EventSenderTest, ANoticeThatFailsIsSentAgain) {
  hub_ = hubOf({.max_outbox = 1});
  asked_->failure = kDown;
  publish(1, 3);
  executor_->runDue();
  publish(4, 4);
  asked_->failure = absl::OkStatus();
  executor_->advance(absl::Seconds(1));
  EXPECT_THAT(sent(), ElementsAre(R"( 3 = {"missed":3})", "e 4 = 4"));
}

TEST_F(EventSenderTest, AMessageThatCanNeverBeSentIsDroppedAndToldAndHoldsUpNobody) {
  asked_->never_sendable = "3";
  publish(1, 5);
  executor_->runDue();
  EXPECT_EQ(dropped("refused"), 1);
  EXPECT_THAT(sent(),
              ElementsAre("e 1 = 1", "e 2 = 2", R"( 3 = {"missed":1})", "e 4 = 4", "e 5 = 5"));
  EXPECT_EQ(executor_->size(), 0U);
  asked_->never_sendable = R"({"missed":1})";
  asked_->batches.clear();
  publish(6, 7);
  executor_->runDue();
  EXPECT_THAT(asked_->batches, ElementsAre(SizeIs(2)));
}

TEST_F(EventSenderTest, ANoticeThatCanNeverBeSentIsForgotten) {
  hub_ = hubOf({.max_outbox = 1});
  asked_->never_sendable = R"({"missed":1})";
  publish(1, 2);
  executor_->runDue();
  EXPECT_THAT(sent(), ElementsAre("e 2 = 2"));
  EXPECT_EQ(executor_->size(), 0U);
}

TEST_F(EventSenderTest, EndingSendsWhatIsLeftAndStopsAtTheFirstFailure) {
  publish(1, 200);
  hub_.reset();
  EXPECT_THAT(sent(), SizeIs(200));
  hub_ = hubOf({});
  asked_->failure = kDown;
  asked_->sends = 0;
  publish(1, 200);
  hub_.reset();
  EXPECT_EQ(asked_->sends, 1);
  executor_->runDue();
}

// ---- Receiving ----

class EventReceiving : public EventSenderTest {
 protected:
  void message(std::uint64_t sequence, const std::string& from = "x") {
    asked_->receiver->onMessage(
        kName, internal::encodeEnvelope(
                   {.name = "e", .data = numbered(0), .instance_id = from, .sequence = sequence}));
  }
  void notice(std::uint64_t sequence, std::uint64_t missed) {
    asked_->receiver->onMessage(
        kName, internal::encodeEnvelope(internal::lostNotice("x", sequence, missed)));
  }
  const std::unique_ptr<EventSubscription> events_ = hub_->subscribe(kChannel).value();
};

// B-88
TEST_F(EventReceiving, OwnMessagesAreIgnored) {
  message(1, "here");
  EXPECT_THAT(taken(*events_), IsEmpty());
}

TEST_F(EventReceiving, ANoticeOfLostEventsIsAGap) {
  notice(7, 3);
  message(8);
  notice(12, 2);
  notice(12, 2);
  message(11);
  message(13);
  EXPECT_THAT(taken(*events_),
              ElementsAre("gap sequence 3", "e 8 = 0", "gap sequence 4", "e 13 = 0"));
}

// B-90
TEST_F(EventReceiving, AGapIsNotToldTwiceButDuplicatesAreStillKnown) {
  message(1);
  message(1, "y");
  asked_->receiver->onGap(kDown);
  message(1);
  message(4);  // 2 and 3 went with the connection
  message(2, "y");
  message(4, "y");  // that was alive again when 3 was lost
  message(6);
  EXPECT_THAT(taken(*events_),
              ElementsAre("e 1 = 0", "e 1 = 0", "gap disconnected 0", "e 4 = 0", "e 2 = 0",
                          "gap sequence 1", "e 4 = 0", "gap sequence 1", "e 6 = 0"));
}

// B-90
TEST_F(EventReceiving, EventsThatTheirSenderLostAreToldAlsoAfterAGap) {
  message(1);
  asked_->receiver->onGap(kDown);
  notice(3, 2);
  message(4);
  EXPECT_THAT(taken(*events_),
              ElementsAre("e 1 = 0", "gap disconnected 0", "gap sequence 2", "e 4 = 0"));
}

TEST_F(EventReceiving, WhatWasHeardIsForgottenWithTheLastSubscriber) {
  auto other = hub_->subscribe(EventChannel("order-list", "acme")).value();
  message(5);
  events_->close();
  message(6);
  const auto again = hub_->subscribe(kChannel).value();
  message(9);
  EXPECT_THAT(taken(*again), ElementsAre("e 9 = 0"));
}

TEST_F(EventReceiving, InstancesAreBoundedByForgettingTheSilent) {
  internal::EventSequences sequences;
  const auto name = [](std::size_t i) { return "i" + std::to_string(i); };
  for (std::size_t i = 0; i < internal::EventSequences::kMaxInstances; ++i) {
    EXPECT_TRUE(sequences.heard(name(i), 5).is_new);
  }
  sequences.heard(name(0), 6);
  sequences.heard("one more", 1);
  EXPECT_FALSE(sequences.heard(name(0), 6).is_new);
  EXPECT_TRUE(sequences.heard(name(1), 5).is_new);  // forgotten
}

// ---- Subscribing ----

// B-91
TEST_F(EventSenderTest, AChannelIsSubscribedWithItsFirstSubscriberAndLeftWithItsLast) {
  auto first = hub_->subscribe(kChannel).value();
  auto second = hub_->subscribe(kChannel).value();
  first.reset();
  second.reset();
  auto again = hub_->subscribe(kChannel).value();
  EXPECT_THAT(asked_->subscriptions[kName], ElementsAre(true, false, true));
}

// B-91
TEST_F(EventSenderTest, HoweverSubscribersComeAndGoTheTransportHearsItInTheirOrder) {
  const std::vector<EventChannel> channels{kChannel, EventChannel("order-list", "a"),
                                           EventChannel("order-list", "b")};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(t + 1);
      for (int i = 0; i < 1'000; ++i) {
        const auto events = hub_->subscribe(channels[random() % channels.size()]).value();
        if (random() % 2 == 0) events->close();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(asked_->subscriptions, SizeIs(3));
  for (const auto& [channel, calls] : asked_->subscriptions) {
    EXPECT_EQ(calls.size() % 2, 0U);
    for (std::size_t i = 0; i < calls.size(); ++i) ASSERT_EQ(calls[i], i % 2 == 0) << channel;
  }
  EXPECT_EQ(metrics_->level("strata_events_subscriptions"), 0);
}

// ---- Counters ----

TEST(EventChannelsTest, ACounterThatWasForgottenGoesOnAboveEverythingItEverGave) {
  internal::EventChannels channels(std::make_shared<internal::EventBudget>(1 << 20),
                                   64);  // one idle channel in each shard
  const auto publish = [&](const std::string& name) {
    auto event = std::make_shared<Event>();
    channels.publish(name, event, nullptr, {});
    return event->sequence;
  };
  for (std::uint64_t i = 1; i <= 10; ++i) EXPECT_EQ(publish("kept"), i);
  const auto queue = std::make_shared<internal::EventQueue>(
      internal::EventQueue::Limits{.max_events = 1, .max_bytes = 1024}, nullptr, Clock::system());
  EXPECT_TRUE(channels.join("heard", queue));
  EXPECT_EQ(publish("heard"), 1U);
  for (int i = 0; i < 10'000; ++i) publish("other" + std::to_string(i));
  EXPECT_GT(publish("kept"), 10U);
  EXPECT_EQ(publish("heard"), 2U);  // one with subscribers is not forgotten
  EXPECT_TRUE(channels.leave("heard", *queue));
  EXPECT_FALSE(channels.leave("heard", *queue));
}

}  // namespace
}  // namespace strata
