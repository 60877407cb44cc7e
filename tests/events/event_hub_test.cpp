// A hub by itself, and several hubs on one bus.
#include "strata/events/event_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <latch>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "src/events/envelope.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/in_memory_event_transport.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/thread_shortage.h"
#include "tests/events/event_fixture.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
const EventChannel kChannel("order", {"acme", "o1"});
const std::string kName = "shop:events:order:acme:o1";

TEST(EventChannelTest, NamesWhatSpecifiesIt) {
  EXPECT_EQ(kChannel.name(), "order:acme:o1");
  EXPECT_EQ(EventChannel("order-list", "acme").name(), "order-list:acme");
  EXPECT_EQ(EventChannel("order", {"a:b", "c"}).name(), "order:a%3Ab:c");
  EXPECT_THAT(kChannel.check(), IsOk());
  for (const char* kind : {"", "Message", "a b", "a:b", "ä"}) {
    EXPECT_THAT(EventChannel(kind, "x").check(), StatusIs(kInvalid)) << kind;
  }
  EXPECT_THAT(EventChannel("order", {"acme", ""}).check(), StatusIs(kInvalid, HasSubstr("empty")));
}

TEST(EventChannelTest, HasANameOfPrintableAsciiThatATransportTakes) {
  const std::string prefix = internal::eventPrefix("shop");
  EXPECT_EQ(internal::transportName(prefix, kChannel), kName);
  EXPECT_EQ(internal::transportName(prefix, EventChannel("order-list", "ä")),
            "shop:events:order-list:%C3%A4");
  std::set<std::string> names;
  for (const char* last : {"a", "b"}) {
    const std::string name =
        internal::transportName(prefix, EventChannel("order-list", std::string(1000, 'x') + last));
    EXPECT_EQ(name.size(), 512U);
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 2U);
}

TEST(EventEnvelope, IsTheSpecifiedJsonAndReadsBack) {
  const Event event{.name = "message",
                    .data = Json::parse(R"({"text":"hä"})").value(),
                    .timestamp = testing::FakeClock::kDefaultStart,
                    .instance_id = "i",
                    .sequence = 18'446'744'073'709'551'615U};
  const std::string text = internal::encodeEnvelope(event);
  EXPECT_EQ(text,
            R"({"event":"message","data":{"text":"hä"},"timestamp":"2026-01-01T00:00:00.000000Z",)"
            R"("instanceId":"i","sequence":18446744073709551615})");
  ASSERT_OK_AND_ASSIGN(const Event read, internal::decodeEnvelope(text));
  EXPECT_EQ(internal::encodeEnvelope(read), text);
  for (const char* bad :
       {"", "x", "[]", "{}", R"({"event":"e","instanceId":"i"})", R"({"event":"e","sequence":1})",
        R"({"event":1,"instanceId":"i","sequence":1})",
        R"({"event":"e\n","instanceId":"i","sequence":1})"}) {
    EXPECT_THAT(internal::decodeEnvelope(bad), StatusIs(kInvalid)) << bad;
  }
}

// ---- One hub ----

class EventHubTest : public ::testing::Test {
 protected:
  std::int64_t count(const char* name, const Labels& labels = {}) const {
    return metrics_->count(name, labels);
  }

  testing::FakeClock clock_;
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::unique_ptr<EventHub> hub_ =
      makeEventHub(nullptr, {.instance_id = "here"}, metrics_, clock_).value();
};

TEST_F(EventHubTest, TellsEverySubscriberOfTheChannelAtOnce) {
  const auto first = hub_->subscribe(kChannel).value();
  const auto second = hub_->subscribe(kChannel).value();
  const auto other = hub_->subscribe(EventChannel("order-list", "acme")).value();
  ASSERT_OK(hub_->publish(kChannel, "message", numbered(7)));
  ASSERT_OK(hub_->publish(kChannel, "done", Json()));
  const auto told = first->tryNext();
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(textOf(*told), "message 1 = 7");
  EXPECT_EQ(told->event->timestamp, testing::FakeClock::kDefaultStart);
  EXPECT_EQ(told->event->instance_id, "here");
  EXPECT_THAT(taken(*second), ElementsAre("message 1 = 7", "done 2 = {}"));
  EXPECT_THAT(taken(*other), IsEmpty());
  EXPECT_EQ(count("strata_events_published_total"), 2);
  EXPECT_EQ(count("strata_events_delivered_total"), 4);
  EXPECT_EQ(metrics_->level("strata_events_subscriptions"), 3);
  EXPECT_THAT(first->waitUntilLive({}), IsOk());
}

TEST_F(EventHubTest, WhoComesLaterHasMissedWhatWasBefore) {
  ASSERT_OK(hub_->publish(kChannel, "message", Json()));
  const auto late = hub_->subscribe(kChannel).value();
  ASSERT_OK(hub_->publish(kChannel, "message", Json()));
  EXPECT_THAT(taken(*late), ElementsAre("message 2 = {}"));
}

TEST_F(EventHubTest, RefusesWhatCannotBe) {
  const EventChannel bad("Bad", "x");
  EXPECT_THAT(hub_->publish(bad, "message", Json()), StatusIs(kInvalid));
  EXPECT_THAT(hub_->subscribe(bad), StatusIs(kInvalid));
  EXPECT_THAT(hub_->subscribe(kChannel, {.max_queued = 0}), StatusIs(kInvalid));
  EXPECT_THAT(hub_->subscribe(kChannel, {.max_queued_bytes = 0}), StatusIs(kInvalid));
  EXPECT_THAT(listen(*hub_, kChannel, nullptr), StatusIs(kInvalid));
  const std::string long_name(65, 'n');
  for (const std::string& name : {std::string(), long_name, std::string("a\nb"),
                                  std::string("\xff"), std::string("a\0b", 3)}) {
    EXPECT_THAT(hub_->publish(kChannel, name, Json()), StatusIs(kInvalid));
  }
  const Json large = Json::parse('"' + std::string(std::size_t{16} << 20, 'x') + '"').value();
  EXPECT_THAT(hub_->publish(kChannel, "message", large), StatusIs(kInvalid, HasSubstr("16 MiB")));
  EXPECT_EQ(count("strata_events_published_total"), 0);

  for (const EventHubOptions& options :
       {EventHubOptions{.app = "a:b"}, EventHubOptions{.instance_id = "a b"},
        EventHubOptions{.max_outbox = 0}, EventHubOptions{.max_outbox_bytes = 0},
        EventHubOptions{.max_queued_bytes = 0},
        EventHubOptions{.give_up_after = absl::ZeroDuration()},
        EventHubOptions{.breaker = {.failures_to_open = 0}}}) {
    EXPECT_THAT(makeEventHub(nullptr, options), StatusIs(kInvalid));
  }
  EXPECT_THAT(makeEventHub(std::make_shared<InMemoryEventBus>()->createTransport()),
              StatusIs(kInvalid, HasSubstr("app")));
}

// B-89
TEST_F(EventHubTest, ASlowSubscriberIsToldOfAGapAndHoldsUpNobody) {
  const auto slow = hub_->subscribe(kChannel, {.max_queued = 2}).value();
  const auto quick = hub_->subscribe(kChannel).value();
  for (int i = 1; i <= 5; ++i) ASSERT_OK(hub_->publish(kChannel, "e", numbered(i)));
  EXPECT_THAT(taken(*slow), ElementsAre("e 1 = 1", "e 2 = 2", "gap slow 3"));
  EXPECT_THAT(taken(*quick), ::testing::SizeIs(5));
  EXPECT_EQ(count("strata_events_dropped_total", {{"reason", "slow"}}), 3);
  EXPECT_EQ(count("strata_events_gaps_total", {{"reason", "slow"}}), 1);
}

// B-89
TEST_F(EventHubTest, AListenerThatThrowsOrBlocksHarmsNobodyElse) {
  std::latch let_go(1);
  std::atomic<int> thrown{0};
  std::atomic<int> heard{0};
  const auto blocks = listen(*hub_, kChannel, [&](const EventDelivery&) { let_go.wait(); });
  const auto throws = listen(*hub_, kChannel, [&](const EventDelivery&) {
    ++thrown;
    if (thrown % 2 == 0) throw 1;
    throw std::runtime_error("listener");
  });
  const auto listens = listen(*hub_, kChannel, [&](const EventDelivery&) { ++heard; });
  for (int i = 0; i < 20; ++i) ASSERT_OK(hub_->publish(kChannel, "message", Json()));
  EXPECT_TRUE(eventually([&] { return thrown == 20 && heard == 20; }));
  EXPECT_TRUE(eventually([&] { return count("strata_events_listener_errors_total") == 20; }));
  EXPECT_THAT((*listens)->next(), StatusIs(absl::StatusCode::kFailedPrecondition));
  let_go.count_down();
}

// B-89
TEST_F(EventHubTest, OnReadyIsCalledWhenThereIsSomethingAndMayThrow) {
  int told = 0;
  const auto ready = hub_->subscribe(kChannel, {.on_ready = [&] { ++told; }}).value();
  const auto throws =
      hub_->subscribe(kChannel, {.on_ready = [] { throw std::runtime_error("x"); }}).value();
  ASSERT_OK(hub_->publish(kChannel, "e", Json()));
  ASSERT_OK(hub_->publish(kChannel, "e", Json()));
  EXPECT_EQ(told, 1);
  EXPECT_THAT(taken(*ready), ::testing::SizeIs(2));
  ASSERT_OK(hub_->publish(kChannel, "e", Json()));
  EXPECT_EQ(told, 2);
  EXPECT_THAT(taken(*throws), ::testing::SizeIs(3));
  EXPECT_EQ(count("strata_events_listener_errors_total"), 1);
}

TEST_F(EventHubTest, ASubscriptionOutlivesItsHub) {
  const auto events = hub_->subscribe(kChannel).value();
  ASSERT_OK(hub_->publish(kChannel, "e", Json()));
  hub_.reset();
  EXPECT_THAT(awaited(*events, 1), ElementsAre("e 1 = {}"));
  EXPECT_THAT(events->next(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(events->waitUntilLive({}), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(EventHubTest, AClosedSubscriptionGetsNothingMore) {
  const auto events = hub_->subscribe(kChannel).value();
  ASSERT_OK(hub_->publish(kChannel, "e", Json()));
  events->close();
  ASSERT_OK(hub_->publish(kChannel, "e", Json()));
  EXPECT_THAT(taken(*events), ElementsAre("e 1 = {}"));
  EXPECT_THAT(events->next(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(EventHubTest, TheEventsOfManyThreadsAreInOneOrderForAll) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  const SubscribeOptions roomy{.max_queued = kThreads * kEach};
  const auto first = hub_->subscribe(kChannel, roomy).value();
  const auto second = hub_->subscribe(kChannel, roomy).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_OK(hub_->publish(kChannel, "t" + std::to_string(t), numbered(i)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::map<std::string, std::int64_t> next;
  for (std::uint64_t sequence = 1; sequence <= kThreads * kEach; ++sequence) {
    const auto told = first->tryNext();
    ASSERT_TRUE(told && told->event != nullptr);
    EXPECT_EQ(told->event->sequence, sequence);
    EXPECT_EQ(told->event->data, numbered(next[told->event->name]++));
    EXPECT_EQ(second->tryNext()->event, told->event);
  }
}

// ---- Several hubs ----

class EventHubs : public ::testing::Test {
 protected:
  struct Node {
    InMemoryEventTransport* line = nullptr;
    std::shared_ptr<InMemoryMetrics> metrics = std::make_shared<InMemoryMetrics>();
    std::unique_ptr<EventHub> hub;
  };

  Node node(const std::string& name) {
    Node made;
    auto transport = bus_->createTransport();
    made.line = transport.get();
    made.hub =
        makeEventHub(std::move(transport), {.app = "shop", .instance_id = name}, made.metrics)
            .value();
    return made;
  }
  static std::unique_ptr<EventSubscription> live(Node& node) {
    auto events = node.hub->subscribe(kChannel, {.max_queued = 100'000}).value();
    EXPECT_OK(events->waitUntilLive(Deadline::in(absl::Seconds(10))));
    return events;
  }
  static void publish(Node& node, int first, int last) {
    for (int i = first; i <= last; ++i) EXPECT_OK(node.hub->publish(kChannel, "e", numbered(i)));
  }

  // Gaps are counted after they were told.
  static bool counts(const Node& node, const char* reason, std::int64_t gaps) {
    return eventually([&] {
      return node.metrics->count("strata_events_gaps_total", {{"reason", reason}}) == gaps;
    });
  }

  const std::shared_ptr<InMemoryEventBus> bus_ = std::make_shared<InMemoryEventBus>();
  Node here_ = node("here");
  Node there_ = node("there");
};

// B-88
TEST_F(EventHubs, EachEventArrivesOnceEverywhereInThePublishersOrder) {
  constexpr int kEach = 2'000;
  const auto events_here = live(here_);
  const auto events_there = live(there_);
  std::thread one([&] { publish(here_, 1, kEach); });
  std::thread other([&] { publish(there_, 1, kEach); });
  one.join();
  other.join();
  for (EventSubscription* events : {events_here.get(), events_there.get()}) {
    std::map<std::string, std::uint64_t> heard;
    for (int i = 0; i < 2 * kEach; ++i) {
      ASSERT_OK_AND_ASSIGN(const EventDelivery told, events->next(Deadline::in(absl::Seconds(20))));
      ASSERT_NE(told.event, nullptr) << textOf(told);
      EXPECT_EQ(told.event->sequence, ++heard[told.event->instance_id]);
      EXPECT_EQ(told.event->data, numbered(static_cast<std::int64_t>(told.event->sequence)));
    }
    EXPECT_THAT(heard,
                ElementsAre(::testing::Pair("here", kEach), ::testing::Pair("there", kEach)));
    EXPECT_FALSE(events->tryNext().has_value());
  }
}

// B-90
TEST_F(EventHubs, ALostConnectionIsAGapForEverySubscriptionAndThenEventsComeAgain) {
  Node third = node("third");
  const auto witness = live(third);
  const auto events = live(there_);
  const auto list = there_.hub->subscribe(EventChannel("order-list", "acme")).value();
  publish(here_, 1, 2);
  EXPECT_THAT(awaited(*events, 2), ElementsAre("e 1 = 1", "e 2 = 2"));
  there_.line->cut();
  EXPECT_EQ(there_.hub->healthCheck().state, HealthState::kWarn);
  publish(here_, 3, 4);
  EXPECT_EQ(awaited(*witness, 4).back(), "e 4 = 4");
  there_.line->heal();
  publish(here_, 5, 6);
  // The numbers missing at 5 are part of the gap already.
  EXPECT_THAT(awaited(*events, 3), ElementsAre("gap disconnected 0", "e 5 = 5", "e 6 = 6"));
  EXPECT_THAT(awaited(*list, 1), ElementsAre("gap disconnected 0"));
  EXPECT_EQ(there_.hub->healthCheck().state, HealthState::kPass);
  EXPECT_TRUE(counts(there_, "disconnected", 2));
}

TEST_F(EventHubs, MissingNumbersAreAGapBeforeTheEventThatShowsThem) {
  const auto events = live(there_);
  publish(here_, 1, 1);
  EXPECT_THAT(awaited(*events, 1), ElementsAre("e 1 = 1"));
  there_.line->loseNext(3);
  publish(here_, 2, 5);
  EXPECT_THAT(awaited(*events, 2), ElementsAre("gap sequence 3", "e 5 = 5"));
  EXPECT_TRUE(counts(there_, "sequence", 1));
}

TEST_F(EventHubs, TheFirstThatIsHeardOfAHubIsNoGap) {
  Node third = node("third");
  const auto witness = live(third);
  publish(here_, 1, 3);
  EXPECT_EQ(awaited(*witness, 3).back(), "e 3 = 3");
  const auto events = live(there_);
  EXPECT_THAT(taken(*events), IsEmpty());
  publish(here_, 4, 4);
  EXPECT_THAT(awaited(*events, 1), ElementsAre("e 4 = 4"));
}

TEST_F(EventHubs, AMessageThatComesTwiceIsToldOnce) {
  const auto events = live(there_);
  const std::string twice = internal::encodeEnvelope(
      {.name = "e", .data = numbered(1), .instance_id = "x", .sequence = 1});
  const std::string then = internal::encodeEnvelope(
      {.name = "e", .data = numbered(2), .instance_id = "x", .sequence = 2});
  for (const std::string& payload : {twice, twice, then, twice})
    there_.line->inject(kName, payload);
  EXPECT_THAT(awaited(*events, 2), ElementsAre("e 1 = 1", "e 2 = 2"));
  EXPECT_TRUE(
      eventually([&] { return there_.metrics->count("strata_events_duplicates_total") == 2; }));
  EXPECT_THAT(taken(*events), IsEmpty());
}

TEST_F(EventHubs, WhatCannotBeReadOrIsLostIsAGapOfItsChannel) {
  const auto events = live(there_);
  const auto other = there_.hub->subscribe(EventChannel("order-list", "acme")).value();
  there_.line->inject(kName, "not json");
  EXPECT_THAT(awaited(*events, 1), ElementsAre("gap sequence 0"));
  there_.line->injectLost(kName);
  EXPECT_THAT(awaited(*events, 1), ElementsAre("gap sequence 0"));
  EXPECT_THAT(taken(*other), IsEmpty());
  EXPECT_EQ(there_.metrics->count("strata_events_dropped_total", {{"reason", "unreadable"}}), 1);
}

TEST_F(EventHubs, AChannelIsSubscribedWhileItHasSubscribers) {
  EXPECT_FALSE(here_.line->subscribes(kName));
  auto first = here_.hub->subscribe(kChannel).value();
  auto second = here_.hub->subscribe(kChannel).value();
  EXPECT_TRUE(here_.line->subscribes(kName));
  first.reset();
  EXPECT_TRUE(here_.line->subscribes(kName));
  second->close();
  EXPECT_FALSE(here_.line->subscribes(kName));
}

TEST_F(EventHubs, AreHealthyAsTheirTransport) {
  const Health health = here_.hub->healthCheck();
  EXPECT_EQ(health.component, "event-hub");
  EXPECT_EQ(health.backend, "in-memory");
  EXPECT_EQ(health.state, HealthState::kPass);
  ASSERT_EQ(health.children.size(), 1U);
  EXPECT_EQ(health.children[0].component, "event-transport");
}

TEST_F(EventHubs, EndUnderLoadWithoutLosingTheirSubscriptions) {
  std::atomic<bool> ended{false};
  const auto events = live(there_);
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (!ended) publish(here_, 1, 10);
  });
  threads.emplace_back([&] {
    while (events->next().ok()) {
    }
  });
  threads.emplace_back([&] {
    while (!absl::IsCancelled(events->waitUntilLive(Deadline::in(absl::Milliseconds(1))))) {
    }
  });
  const auto listener = listen(*there_.hub, kChannel, [](const EventDelivery&) {}).value();
  EXPECT_TRUE(
      eventually([&] { return there_.metrics->count("strata_events_delivered_total") > 200; }));
  there_.hub.reset();
  ended = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(EventHubs, SendWhatIsQueuedBeforeTheyEnd) {
  const auto events = live(there_);
  publish(here_, 1, 500);
  here_.hub.reset();
  EXPECT_EQ(awaited(*events, 500).back(), "e 500 = 500");
}

TEST_F(EventHubs, ThatCannotConnectFailUnlessToldNotTo) {
  const auto transport = [&] {
    auto made = bus_->createTransport();
    made->cut();
    return made;
  };
  EXPECT_THAT(makeEventHub(transport(), {.app = "shop"}), StatusIs(absl::StatusCode::kUnavailable));
  auto late = transport();
  InMemoryEventTransport& line = *late;
  ASSERT_OK_AND_ASSIGN(const auto hub,
                       makeEventHub(std::move(late), {.app = "shop", .require_connection = false}));
  const auto events = hub->subscribe(kChannel).value();
  line.heal();
  EXPECT_THAT(awaited(*events, 1), ElementsAre("gap disconnected 0"));
  publish(here_, 1, 1);
  EXPECT_THAT(awaited(*events, 1), ElementsAre("e 1 = 1"));
}

// ---- No threads, and exceptions ----

// The exception of std::thread left the factory.
TEST(EventHubWithoutThreads, CannotListen) {
  EXPECT_TRUE(testing::holdsWithoutThreads([](testing::ThreadShortage& /*shortage*/) {
    const auto bus = std::make_shared<InMemoryEventBus>();
    EXPECT_THAT(makeEventHub(bus->createTransport(), {.app = "shop"}),
                StatusIs(absl::StatusCode::kResourceExhausted));
    const auto hub = makeEventHub(nullptr, {.app = "shop"}).value();
    EXPECT_THAT(listen(*hub, kChannel, [](const EventDelivery&) {}),
                StatusIs(absl::StatusCode::kResourceExhausted));
    return true;
  }));
}

// The event stayed in the outbox, and `publish` threw.
TEST(EventHubWithoutThreads, SendsOnceThereIsAThread) {
  const auto bus = std::make_shared<InMemoryEventBus>();
  const auto refusing = std::make_shared<testing::RefusingExecutor>(Executor::shared());
  const auto here = makeEventHub(bus->createTransport(), {.app = "shop"}, Metrics::none(),
                                 Clock::system(), refusing)
                        .value();
  const auto there = makeEventHub(bus->createTransport(), {.app = "shop"}).value();
  const auto events = there->subscribe(kChannel).value();
  ASSERT_OK(events->waitUntilLive(Deadline::in(absl::Seconds(10))));
  ASSERT_OK(here->publish(kChannel, "e", numbered(1)));
  refusing->refuses = false;
  EXPECT_TRUE(eventually([&] {
    (void)here->healthCheck();
    return events->tryNext().has_value();
  }));
}

// A transport of an application's own.
class ThrowingTransport final : public EventTransport {
 public:
  explicit ThrowingTransport(bool starts) : starts_(starts) {}
  absl::Status start(EventReceiver& /*receiver*/, Deadline /*deadline*/) override {
    return starts_ ? absl::OkStatus() : fail();
  }
  void subscribe(const std::string& /*channel*/) override { fail().IgnoreError(); }
  void unsubscribe(const std::string& /*channel*/) override { fail().IgnoreError(); }
  absl::Status waitUntilSubscribed(const std::string& /*channel*/, Deadline /*until*/) override {
    return fail();
  }
  absl::Status send(absl::Span<const EventMessage> /*messages*/, Deadline /*until*/) override {
    return fail();
  }
  absl::Status ping(Deadline /*deadline*/) override { return fail(); }
  Health healthCheck() override { throw std::runtime_error("hunter2"); }

 private:
  static absl::Status fail() { throw std::runtime_error("hunter2"); }
  const bool starts_;
};

TEST(EventHubOverAThrowingTransport, AnswersErrorsAndGoesOn) {
  const auto is_thrown =
      StatusIs(absl::StatusCode::kInternal, ::testing::HasSubstr("std::runtime_error"));
  EXPECT_THAT(makeEventHub(std::make_unique<ThrowingTransport>(false), {.app = "shop"}), is_thrown);
  const auto hub = makeEventHub(std::make_unique<ThrowingTransport>(true), {.app = "shop"}).value();
  EXPECT_THAT(hub->subscribe(kChannel), is_thrown);
  EXPECT_THAT(hub->subscribe(kChannel), is_thrown) << "the first left no trace";
  EXPECT_OK(hub->publish(kChannel, "e", numbered(1)));
  EXPECT_EQ(hub->healthCheck().state, HealthState::kWarn);
}

}  // namespace
}  // namespace strata
