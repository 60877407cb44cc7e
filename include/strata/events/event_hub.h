// EventHub: events from whoever publishes to whoever listens, in this process and in others.
//
//   auto hub = createEventHub(*backends);                     // factories/event_hub_factory.h
//   const EventChannel channel("order", order_id);
//   auto events = (*hub)->subscribe(channel);
//   (*hub)->publish(channel, "shipped", *Json::parse(R"({"parcels": 2})"));
//   while (auto told = (*events)->next()) { ... }
//
// What holds: a subscriber is told each event once, those of one publisher in the order in which
// they were published, and never fails to be told that something was missed. Events are not kept:
// who subscribes later has missed what was before, so read the store after having subscribed.
//
// Not for: work that must be done (use a queue that keeps it), or invalidating caches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/deadline.h"
#include "strata/base/health.h"
#include "strata/events/event.h"

namespace strata {

class CircuitBreaker;

// Something was missed here: read anew what the channel is about.
struct EventGap {
  enum class Reason : std::uint8_t {
    kSlow,          // the subscriber's queue was full, or what waits in all of the hub's
    kDisconnected,  // the connection to the others was lost for a while
    kSequence,      // numbers are missing in what another hub published
  };
  Reason reason = Reason::kDisconnected;
  // How many events; zero: not known, perhaps none.
  std::uint64_t missed = 0;
};

std::string_view toString(EventGap::Reason reason);

// What a subscriber is told: an event, or that there is a gap where it stands among the events.
struct EventDelivery {
  std::shared_ptr<const Event> event;  // null: a gap
  EventGap gap;
};

struct SubscribeOptions {
  // How many events wait for a subscriber, and of how many bytes; what does not fit in either becomes
  // a gap. An event counts with its data and 512 bytes. At least 1.
  std::size_t max_queued = 1024;
  std::size_t max_queued_bytes = std::size_t{16} << 20;
  // Called when there is something to take after there was nothing, from the publisher's thread: it
  // must not block, nor call the hub or the subscription. For event loops, which post a task. What it
  // throws is counted, logged and forgotten.
  std::function<void()> on_ready;
};

// Thread-safe. Destroying it ends the subscription. It may outlive the hub.
class EventSubscription {
 public:
  virtual ~EventSubscription() = default;

  // Waits for what comes next. DeadlineExceeded: nothing did. Cancelled: the hub has ended, or
  // `close` was called, and nothing is left.
  virtual absl::StatusOr<EventDelivery> next(Deadline deadline = {}) = 0;
  // The next, if it is there already.
  virtual std::optional<EventDelivery> tryNext() = 0;
  // Waits until what others publish arrives here, which takes a round trip after `subscribe`, and
  // the hub has heard a message of its own since it connected.
  // Unavailable, DeadlineExceeded: it does not yet; it will, after a gap.
  virtual absl::Status waitUntilLive(Deadline deadline) = 0;
  // Nothing more is queued; whoever waits in `next` is woken.
  virtual void close() = 0;
};

// Thread-safe.
class EventHub {
 public:
  virtual ~EventHub() = default;

  // Tells every subscriber in this process at once, and those in others soon, without waiting for
  // anything. Where the transport is down it goes on trying for a while; who misses an event in the
  // end is told of a gap.
  //
  // InvalidArgument: a channel or name that cannot be, or an envelope of more than 16 MiB.
  virtual absl::Status publish(const EventChannel& channel, std::string_view name,
                               const Json& data) = 0;

  // InvalidArgument: the channel or an option cannot be.
  virtual absl::StatusOr<std::unique_ptr<EventSubscription>> subscribe(
      const EventChannel& channel, SubscribeOptions options = {}) = 0;

  // Component "event-hub": kWarn while other processes cannot be reached.
  virtual Health healthCheck() = 0;

  // The circuit breaker in front of what it sends through, for operators; owned by the hub. Null: it
  // has none.
  virtual CircuitBreaker* breaker() { return nullptr; }
};

// Calls `listener` with each delivery, one at a time, on a thread of this subscription's own, so
// one that blocks holds up no other, and may call the hub and stores; what it throws is counted,
// logged and forgotten. Destroying what it returns waits for a call that is under way; do not do so
// from the listener.
// Errors as from subscribe. ResourceExhausted: no thread could be started.
absl::StatusOr<std::unique_ptr<EventSubscription>> listen(
    EventHub& hub, const EventChannel& channel, std::function<void(const EventDelivery&)> listener,
    SubscribeOptions options = {});

}  // namespace strata
