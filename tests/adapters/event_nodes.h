// Transports that tell a RecordingEventReceiver, and what tests of their faults ask of them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "strata/testing/recording_event_receiver.h"

namespace strata::testing {

struct EventNode {
  explicit EventNode(std::unique_ptr<EventTransport> made) : transport(std::move(made)) {}

  absl::Status start() const { return transport->start(receiver, Deadline::in(absl::Seconds(20))); }
  absl::Status listenTo(const std::string& channel) const {
    transport->subscribe(channel);
    return transport->waitUntilSubscribed(channel, Deadline::in(absl::Seconds(20)));
  }
  absl::Status send(const std::string& channel, const std::string& payload) const {
    const EventMessage message{channel, payload};
    return transport->send({&message, 1}, Deadline::in(absl::Seconds(5)));
  }
  // Again and again, as a hub does, until it has been sent.
  [[nodiscard]] bool sends(const std::string& channel, const std::string& payload) const {
    return eventually([&] { return send(channel, payload).ok(); }, absl::Seconds(60));
  }
  [[nodiscard]] bool isToldOfGaps(int count) const {
    return eventually([&] { return receiver.gaps() >= count; }, absl::Seconds(60));
  }
  // `channel`: one that it listens to.
  [[nodiscard]] bool noticesThatItIsLost(const std::string& channel) const {
    return eventually([&] {
      return absl::IsUnavailable(
          transport->waitUntilSubscribed(channel, Deadline::in(absl::ZeroDuration())));
    });
  }

  mutable RecordingEventReceiver receiver;
  const std::unique_ptr<EventTransport> transport;
};

}  // namespace strata::testing
