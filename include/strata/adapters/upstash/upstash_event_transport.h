// makeUpstashEventTransport(options): an EventTransport between all processes that share an Upstash
// Redis, over its REST API.
//
//   auto transport = makeUpstashEventTransport(
//       {.server = {.url = "https://eu1-merry-cat-1.upstash.io", .token = token}, .app = "shop"});
//
// It listens to one event stream for all channels of the application (POST /psubscribe), on a
// connection and a thread of its own, and sends by PUBLISH over others. So whatever any process of
// the application publishes comes to every process, which drops what nobody here subscribes to: two
// connections for any number of channels, and no gap when they change. The token has to be one that
// may PUBLISH and PSUBSCRIBE.
//
// The stream has no PING: one that died in silence is found by the messages of a hub to itself
// (EventHubOptions::loopback_interval). Each of them is a command of your plan.
//
// Not for: many events a second. Where Redis's own protocol leads to the database, use
// makeRedisEventTransport; both hear each other.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/base/clock.h"
#include "strata/events/event_transport.h"

namespace strata {

struct UpstashEventOptions {
  UpstashOptions server;
  // The hub's (EventHubOptions::app): what is listened to are the channels that begin with it.
  std::string app;
};

// What it makes is thread-safe, as EventTransport says. It connects to nothing before its `start`.
// `clock` measures deadlines, and nothing else; it must outlive the transport.
//
// InvalidArgument: an option, something in the URL, or a certificate file is wrong; says what.
// Errors of `send` are those of Cache, each for the reasons that upstash_cache.h tells; also
// InvalidArgument, for a message that alone is larger than the service takes.
//
// A stream that ends, for whatever reason, is taken up again with backoff, and is a gap.
absl::StatusOr<std::unique_ptr<EventTransport>> makeUpstashEventTransport(
    UpstashEventOptions options, const Clock& clock = Clock::system());

}  // namespace strata
