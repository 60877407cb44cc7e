// EventTransport: carries the messages of one process's EventHub to those of others.
//
// Implementations: makeRedisEventTransport (pub/sub), makePostgresEventTransport (LISTEN/NOTIFY),
// makeUpstashEventTransport (pub/sub over REST), InMemoryEventTransport (hubs of one process, for
// tests). A hub without one reaches this process only. A transport of your own should pass
// testing/conformance/event_transport_conformance.h.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "strata/base/deadline.h"
#include "strata/base/health.h"

namespace strata {

// What a transport tells its hub, from a thread of its own, one call at a time.
class EventReceiver {
 public:
  virtual ~EventReceiver() = default;
  // Of a channel that this transport subscribes to, in the order in which one sender sent them. The
  // sender's own messages may come back; a message may come twice.
  virtual void onMessage(std::string_view channel, std::string_view payload) = 0;
  // The connection was lost and is whole again: messages of any channel may have been missed.
  virtual void onGap(const absl::Status& why) = 0;
  // A message of this channel is lost.
  virtual void onLost(std::string_view channel, const absl::Status& why) = 0;
};

struct EventMessage {
  std::string channel;
  std::string payload;
};

// A transport of a program's own may throw: that counts as an error of the call (Internal). `send` and
// what waits are called without a lock; `subscribe` and `unsubscribe` with one of the channel, so they
// must not call the hub.
//
// Thread-safe, but `send` is called by one thread at a time. Channel names are of printable ASCII,
// up to 512 bytes; payloads are UTF-8 without NUL, up to 16 MiB.
class EventTransport {
 public:
  virtual ~EventTransport() = default;

  // Connects and listens. Called once, first. `receiver` must outlive the transport, whose
  // destructor waits for a call of it that is under way.
  //
  // Unavailable, DeadlineExceeded: not reached by the deadline; it goes on trying.
  // PermissionDenied, FailedPrecondition, InvalidArgument: it never will be as it is configured.
  // ResourceExhausted: there is no thread to listen on. After these four nothing else is called.
  virtual absl::Status start(EventReceiver& receiver, Deadline deadline) = 0;

  // Take effect soon; of several calls about one channel the last one counts. Neither blocks.
  virtual void subscribe(const std::string& channel) = 0;
  virtual void unsubscribe(const std::string& channel) = 0;
  // Waits until whatever is sent to the channel from now on arrives here.
  // Unavailable: the connection is lost. DeadlineExceeded: it has not been confirmed in time.
  virtual absl::Status waitUntilSubscribed(const std::string& channel, Deadline deadline) = 0;

  // Sends messages in order. Blocks for at most the transport's own timeout. Not ok: some, or all,
  // may have been sent; the same messages may be sent again.
  //
  // Errors as from Cache. InvalidArgument: one of them can never be sent.
  virtual absl::Status send(absl::Span<const EventMessage> messages, Deadline deadline) = 0;

  // Whether what this transport sends to a channel that it subscribes to arrives here too, as
  // anybody else's. Empty, the default: it does not. Otherwise a hub sends messages to itself before
  // it is live and every few seconds from then on, and tells this advice to the operator, and calls
  // `relisten`, when they do not come back: "is there a pooler between? set …".
  virtual std::string_view loopbackAdvice() const { return {}; }
  // Leaves the connection on which it listens, as if it had been lost, and makes another: `onGap`
  // follows. Does not block. Needed where there is a loopbackAdvice.
  virtual void relisten(const absl::Status& /*why*/) {}

  virtual absl::Status ping(Deadline deadline) = 0;
  // Component "event-transport", backend "redis", "postgres", "upstash" or "in-memory": kFail while the
  // connection on which it listens is lost, or when sending would fail.
  virtual Health healthCheck() = 0;
};

}  // namespace strata
