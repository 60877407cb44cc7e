// makeRedisEventTransport(options): an EventTransport between all processes that share a Redis, by
// its PUBLISH and SUBSCRIBE: one server, a master that sentinels watch over, or a cluster.
//
//   auto transport = makeRedisEventTransport({.url = "rediss://user:password@host:6380"});
//
// It listens on a connection and a thread of its own, and sends over another connection. How it
// connects, and its timeouts: redis_cache.h; `max_connections` means nothing here. A user needs the
// commands PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PING, INFO and DEL (and CLUSTER), the channels, and the
// keys `strata:event-transport:*`: a DEL of such a key, which never exists, follows what is
// published, for a server that is no longer the master refuses that but would take the PUBLISH.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/base/clock.h"
#include "strata/events/event_transport.h"

namespace strata {

// What it makes is thread-safe, as EventTransport says. It connects to nothing before its `start`.
// `clock` measures deadlines, and nothing else; it must outlive the transport.
//
// InvalidArgument: an option, or something in the URL, is wrong; says what. Errors of `send` are
// those of Cache, each for the reasons that redis_cache.h tells.
//
// A connection that is silent for a second, and a server that is another one or has another incarnation
// than before, is a gap; so is a subscriber that the server cuts off for being slow (its
// client-output-buffer-limit, by default 32 MiB). Of several hundred messages of one `send` each
// piece has the time of one command.
//
// In a cluster each process sends to one node, which passes it on to all. Redis does that without
// any acknowledgement: what is lost between nodes nobody is told by the transport.
absl::StatusOr<std::unique_ptr<EventTransport>> makeRedisEventTransport(
    const RedisOptions& options, const Clock& clock = Clock::system());

}  // namespace strata
