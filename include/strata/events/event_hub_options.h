// makeEventHub(transport, options): an EventHub over whatever carries its messages.
//
//   auto hub = strata::makeEventHub(bus->createTransport(), {.app = "shop"});
//
// Applications call createEventHub (factories/event_hub_factory.h), which picks the transport.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/circuit_breaker.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"
#include "strata/events/event_hub.h"
#include "strata/events/event_transport.h"

namespace strata {

struct EventHubOptions {
  // First part of every channel: see checkApp. Has to be set where there is a transport.
  std::string app;
  // Names this hub among all others, for as long as it lives: up to 128 bytes of printable ASCII.
  // Empty: made of host, process and a random number.
  std::string instance_id;
  // What waits to be sent: beyond either the oldest are dropped, and their receivers told of a gap.
  // At least 1.
  std::size_t max_outbox = 10'000;
  std::size_t max_outbox_bytes = std::size_t{64} << 20;
  // How many bytes wait for all subscribers of the hub: an event counts once, with its data and 512
  // bytes, and each queue that it waits in with 64 bytes. Beyond, an event becomes a gap for all
  // subscribers that it does not fit for, those that keep up too, until others have taken theirs or
  // end. At least 1.
  std::size_t max_queued_bytes = std::size_t{256} << 20;
  // What could not be sent for so long is dropped too: a reader who reads anew is served better.
  absl::Duration give_up_after = absl::Minutes(1);
  // How long `makeEventHub` waits for the transport to connect and to bring a message of the hub to
  // itself.
  absl::Duration start_timeout = absl::Seconds(5);
  // How often the hub sends a message to itself, to learn whether it hears what is sent: 10 ms to 10
  // minutes. Two in a row that do not arrive, each within this time, are a lost connection: a gap,
  // and another connection to listen on.
  absl::Duration loopback_interval = absl::Seconds(5);
  // False: a transport that cannot be reached at the start is logged, and used once it is there.
  bool require_connection = true;
  // When nothing more is sent, and when the transport is tried again.
  CircuitBreakerOptions breaker = {.name = "event_hub", .open_time = absl::Seconds(5)};
};

// Ok, or InvalidArgument that names the option that is out of its range.
absl::Status validate(const EventHubOptions& options);

// A null `transport`: a hub that reaches this process only. `clock` must outlive the hub and its
// subscriptions. Destroying the hub sends what is queued for up to a second, after a call of the
// transport that may be under way, and ends its subscriptions.
//
// InvalidArgument: an option is out of its range. Others as EventTransport::start.
absl::StatusOr<std::unique_ptr<EventHub>> makeEventHub(
    std::unique_ptr<EventTransport> transport, const EventHubOptions& options = {},
    std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system(),
    std::shared_ptr<Executor> executor = Executor::shared());

}  // namespace strata
