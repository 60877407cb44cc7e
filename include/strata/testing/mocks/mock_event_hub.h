// MockEventHub: an EventHub for the unit tests of whoever publishes or listens.
//
//   MockEventHub hub;
//   EXPECT_CALL(hub, publish(EventChannel("order", "o1"), "shipped", _));
//
//   EventFeed feed;                               // what a subscriber is told
//   EXPECT_CALL(hub, subscribe).WillOnce([&](const EventChannel&, SubscribeOptions options) {
//     return feed.subscription(std::move(options));
//   });
//   feed.tell({.name = "shipped"});
//   feed.tell(EventGap{.reason = EventGap::Reason::kSlow, .missed = 3});
//
// A subscribe that nobody expects is an Unknown error. Not for: tests that want a hub that works;
// makeEventHub(nullptr) is one, and several over an InMemoryEventBus are a cluster.
#pragma once

#include <memory>
#include <ostream>
#include <string_view>

#include "gmock/gmock.h"
#include "strata/base/clock.h"
#include "strata/events/event_hub.h"

namespace strata {

inline void PrintTo(const EventChannel& channel, std::ostream* out) { *out << channel.name(); }

}  // namespace strata

namespace strata::testing {

class MockEventHub : public EventHub {
 public:
  MOCK_METHOD(absl::Status, publish,
              (const EventChannel& channel, std::string_view name, const Json& data), (override));
  MOCK_METHOD(absl::StatusOr<std::unique_ptr<EventSubscription>>, subscribe,
              (const EventChannel& channel, SubscribeOptions options), (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
  MOCK_METHOD(CircuitBreaker*, breaker, (), (override));
};

// What one subscriber is told, said by a test. Thread-safe. Subscriptions may outlive it.
class EventFeed {
 public:
  // `clock` must outlive its subscriptions.
  explicit EventFeed(const Clock& clock = Clock::system());
  ~EventFeed();

  // As a hub would give it; always live. What was told before is lost.
  std::unique_ptr<EventSubscription> subscription(SubscribeOptions options = {});
  void tell(Event event);
  void tell(EventGap gap);
  // As if the hub had ended.
  void end();

 private:
  struct Listening;
  const std::unique_ptr<Listening> listening_;
};

}  // namespace strata::testing
