// InMemoryEventTransport: carries the messages of hubs that live in one process, for tests.
//
//   auto bus = std::make_shared<InMemoryEventBus>();
//   auto transport = bus->createTransport();
//   InMemoryEventTransport& line = *transport;
//   auto hub = makeEventHub(std::move(transport), {.app = "shop"});
//   line.cut();                                  // as if its connection were lost
//
// Not for: an application of one process; a hub without a transport reaches all of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "strata/base/clock.h"
#include "strata/events/event_transport.h"

namespace strata {

class InMemoryEventTransport;

// What the transports of one process have in common. Thread-safe.
class InMemoryEventBus : public std::enable_shared_from_this<InMemoryEventBus> {
 public:
  InMemoryEventBus();
  ~InMemoryEventBus();

  // Keeps the bus alive. `clock` must outlive it.
  std::unique_ptr<InMemoryEventTransport> createTransport(const Clock& clock = Clock::system());

 private:
  friend class InMemoryEventTransport;
  struct Lines;
  const std::unique_ptr<Lines> lines_;
};

// Thread-safe. Calls its receiver from a thread of its own.
class InMemoryEventTransport final : public EventTransport {
 public:
  InMemoryEventTransport(std::shared_ptr<InMemoryEventBus> bus, const Clock& clock);
  ~InMemoryEventTransport() override;

  absl::Status start(EventReceiver& receiver, Deadline deadline) override;
  void subscribe(const std::string& channel) override;
  void unsubscribe(const std::string& channel) override;
  absl::Status waitUntilSubscribed(const std::string& channel, Deadline deadline) override;
  absl::Status send(absl::Span<const EventMessage> messages, Deadline deadline) override;
  absl::Status ping(Deadline deadline) override;
  Health healthCheck() override;

  // Until `heal` nothing arrives, and sending is Unavailable. After it the receiver is told of a
  // gap.
  void cut();
  void heal();
  // Until it is told Ok: sending fails so, after having sent the first of the messages.
  void failSends(absl::Status why, std::size_t sent_before = 0);
  // The next messages that would arrive here do not, and nobody is told.
  void loseNext(std::size_t messages);
  // As if it had come from elsewhere.
  void inject(const std::string& channel, const std::string& payload);
  void injectLost(const std::string& channel);
  // Whether it subscribes to the channel.
  bool subscribes(const std::string& channel) const;

  struct Line;

 private:
  const std::shared_ptr<InMemoryEventBus> bus_;
  const std::shared_ptr<Line> line_;
};

}  // namespace strata
