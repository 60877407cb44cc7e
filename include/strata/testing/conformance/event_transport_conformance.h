// Conformance of event transports: what every strata::EventTransport promises, as a GoogleTest
// suite to instantiate for a transport of one's own, in a test program:
//
//   namespace strata::testing {
//   const EventTransportUnderTest kMine{"Mine", [] { return MyTransport::create(url).value(); }};
//   INSTANTIATE_TEST_SUITE_P(Mine, EventTransportConformance, ::testing::Values(kMine),
//                            nameOfEventTransport);
//   }
//
// Not for: what happens when a server fails, which no two transports share.
#pragma once

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "strata/testing/conformance/event_transport_harness.h"

namespace strata::testing {

// B-88
TEST_P(EventTransportConformance, WhatOneSendsAnotherHearsInOrder) {
  const auto alice = node();
  const auto bob = node();
  const std::string a = channel("a");
  bob->listenTo(a);
  for (const std::string& number : numbers(100)) alice->send(a, number);
  ASSERT_TRUE(bob->receiver.hears(a, "99"));
  EXPECT_EQ(bob->receiver.heard(a), numbers(100));
  EXPECT_EQ(bob->receiver.gaps(), 0);
}

// B-88
TEST_P(EventTransportConformance, TenThousandInBatchesArriveInOrder) {
  constexpr int kCount = 10'000;
  constexpr std::size_t kBatches[] = {1, 7, 300, 2000};
  const auto alice = node();
  const auto bob = node();
  const std::string a = channel("a");
  const std::string b = channel("b");
  bob->listenTo(a);
  bob->listenTo(b);
  std::vector<EventMessage> all;
  for (const std::string& number : numbers(kCount)) {
    all.insert(all.end(), {{a, number}, {b, number}});
  }
  absl::Span<const EventMessage> rest(all);
  for (std::size_t turn = 0; !rest.empty(); ++turn) {
    const std::size_t size = std::min(kBatches[turn % std::size(kBatches)], rest.size());
    ASSERT_OK(alice->transport->send(rest.subspan(0, size), soon()));
    rest.remove_prefix(size);
  }
  ASSERT_TRUE(bob->receiver.hears(a, kCount));
  ASSERT_TRUE(bob->receiver.hears(b, kCount));
  EXPECT_EQ(bob->receiver.heard(a), numbers(kCount));
  EXPECT_EQ(bob->receiver.heard(b), numbers(kCount));
}

TEST_P(EventTransportConformance, EqualMessagesOfOneSendAllArrive) {
  const auto alice = node();
  const auto bob = node();
  const std::string a = channel("a");
  bob->listenTo(a);
  ASSERT_OK(alice->transport->send(std::vector<EventMessage>(3, {a, "same"}), soon()));
  ASSERT_TRUE(bob->receiver.hears(a, 3));
}

TEST_P(EventTransportConformance, OneThatIsNotSubscribedToIsSilent) {
  const auto alice = node();
  const auto bob = node();
  const std::string a = channel("a");
  const std::string b = channel("b");
  bob->listenTo(a);
  alice->send(b, "nobody");
  alice->send(a, "last");
  ASSERT_TRUE(bob->receiver.hears(a, "last"));
  EXPECT_THAT(bob->receiver.heard(b), ::testing::IsEmpty());

  // One whose subscription has ended: what comes after a later one has begun tells so.
  bob->transport->unsubscribe(a);
  bob->listenTo(b);
  alice->send(a, "too late");
  alice->send(b, "last");
  ASSERT_TRUE(bob->receiver.hears(b, "last"));
  EXPECT_EQ(bob->receiver.heard(a), std::vector<std::string>{"last"});
}

// B-91
TEST_P(EventTransportConformance, SubscribingAgainRightAfterUnsubscribingHolds) {
  const auto alice = node();
  const auto bob = node();
  const std::string a = channel("a");
  bob->listenTo(a);
  for (const std::string& number : numbers(200)) {
    bob->transport->unsubscribe(a);
    bob->transport->subscribe(a);
    ASSERT_OK(bob->transport->waitUntilSubscribed(a, soon()));
    alice->send(a, number);
    ASSERT_TRUE(bob->receiver.hears(a, number));
  }
}

TEST_P(EventTransportConformance, NothingIsMissedOnceASubscriptionIsConfirmed) {
  const auto alice = node();
  const auto bob = node();
  for (const std::string& number : numbers(100)) {
    const std::string a = channel(number);
    bob->listenTo(a);
    alice->send(a, number);
    ASSERT_TRUE(bob->receiver.hears(a, number));
    bob->transport->unsubscribe(a);
  }
}

// B-93
TEST_P(EventTransportConformance, PayloadsOfAnySizeArriveInOrder) {
  const auto alice = node();
  const auto bob = node();
  const std::string a = channel("a");
  bob->listenTo(a);
  std::vector<std::string> payloads{""};
  for (const std::size_t size : {1UL, 7'500UL, 7'800UL, 7'900UL, 8'000UL, 8'192UL, 100'000UL}) {
    payloads.emplace_back(size, 'x');
  }
  payloads.emplace_back(1024 * 1024, 'y');
  payloads.emplace_back("small again");
  std::vector<EventMessage> messages;
  for (const std::string& payload : payloads) {
    messages.push_back({a, payload});
    alice->send(a, payload);
  }
  ASSERT_OK(alice->transport->send(messages, soon()));
  ASSERT_TRUE(bob->receiver.hears(a, 2 * payloads.size()));
  const auto once = payloads;
  payloads.insert(payloads.end(), once.begin(), once.end());
  EXPECT_TRUE(bob->receiver.heard(a) == payloads);  // not printed
}

TEST_P(EventTransportConformance, PayloadsOfAnyTextArriveAsTheyAre) {
  const auto alice = node();
  const auto bob = node();
  const std::string a = channel("a {b} \"c\" 'd' \\e,%");
  bob->listenTo(a);
  const std::vector<std::string> payloads{
      "'; DROP TABLE strata_events; --",
      "\"quoted\", 'quoted', \\backslash\\, {braces}, $1, :name, NULL",
      "lines\nand\r\nmore\n\n",
      "\t\x01\x7f",
      "Grüße, 日本, 😀",
      "NULL",
      "*3\r\n$7\r\nmessage\r\n"};
  for (const std::string& payload : payloads) {
    alice->send(a, payload);
    alice->send(a, payload + std::string(9000, '\\') + payload);
  }
  ASSERT_TRUE(bob->receiver.hears(a, 2 * payloads.size()));
  const auto heard = bob->receiver.heard(a);
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    EXPECT_EQ(heard[2 * i], payloads[i]);
    EXPECT_TRUE(heard[2 * i + 1] == payloads[i] + std::string(9000, '\\') + payloads[i]);
  }
}

TEST_P(EventTransportConformance, AllWhoSubscribeHear) {
  const auto alice = node();
  const auto bob = node();
  const auto carol = node();
  const std::string a = channel("a");
  bob->listenTo(a);
  carol->listenTo(a);
  for (const std::string& number : numbers(50)) alice->send(a, number);
  for (const auto& listener : {bob.get(), carol.get()}) {
    ASSERT_TRUE(listener->receiver.hears(a, "49"));
    EXPECT_EQ(listener->receiver.heard(a), numbers(50));
  }
}

TEST_P(EventTransportConformance, ManyChannelsAreEachHeardAlone) {
  constexpr int kChannels = 500;
  const auto alice = node();
  const auto bob = node();
  const std::string prefix = channel("");
  std::vector<EventMessage> messages;
  for (const std::string& number : numbers(kChannels)) {
    bob->transport->subscribe(prefix + number);
    messages.push_back({prefix + number, number});
  }
  for (const EventMessage& message : messages) {
    ASSERT_OK(bob->transport->waitUntilSubscribed(message.channel, soon()));
  }
  ASSERT_OK(alice->transport->send(messages, soon()));
  for (const EventMessage& message : messages) {
    ASSERT_TRUE(bob->receiver.hears(message.channel, 1));
    EXPECT_EQ(bob->receiver.heard(message.channel), std::vector{message.payload});
  }
}

TEST_P(EventTransportConformance, MayBeDestroyedWhileMessagesArrive) {
  const auto alice = node();
  const std::string a = channel("a");
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    const std::vector<EventMessage> messages(20, {a, std::string(500, 'x')});
    while (!stop) EXPECT_OK(alice->transport->send(messages, soon()));
  });
  for (int i = 0; i < 10; ++i) {
    const auto bob = node();
    bob->listenTo(a);
    EXPECT_TRUE(bob->receiver.hears(a, 1));
  }
  stop = true;
  sender.join();
}

TEST_P(EventTransportConformance, WhereItPromisesThatItHearsItselfAfterListeningAnew) {
  const auto alice = node();
  if (alice->transport->loopbackAdvice().empty()) return;
  const std::string a = channel("a");
  alice->listenTo(a);
  alice->transport->relisten(absl::UnavailableError("the test says so"));
  ASSERT_TRUE(eventually([&] { return alice->receiver.gaps() == 1; }, absl::Seconds(30)));
  alice->listenTo(a);
  alice->send(a, "after");
  EXPECT_TRUE(alice->receiver.hears(a, "after"));
}

// B-67
TEST_P(EventTransportConformance, SendsNothingAfterTheDeadline) {
  const auto alice = node();
  const Deadline passed = Deadline::at(MonotonicTime());
  const EventMessage message{channel("a"), "late"};
  EXPECT_THAT(alice->transport->send({&message, 1}, passed),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(alice->transport->ping(passed), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_OK(alice->transport->send({}, soon()));
}

// B-68
TEST_P(EventTransportConformance, IsHealthy) {
  const auto alice = node();
  EXPECT_OK(alice->transport->ping(soon()));
  const Health health = alice->transport->healthCheck();
  EXPECT_EQ(health.state, HealthState::kPass) << health.error;
  EXPECT_EQ(health.component, "event-transport");
  EXPECT_NE(health.backend, "");
}

}  // namespace strata::testing
