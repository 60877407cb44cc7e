// Event: something that happened, delivered to the subscribers of its channel. See event_hub.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "strata/base/timestamp.h"
#include "strata/records/id.h"
#include "strata/records/json.h"

namespace strata {

// Where events of one kind about one thing go. The whole name, as the transport sees it, is
// `{app}:events:{kind}:{id}`.
class EventChannel {
 public:
  // `kind`: lower-case letters, digits, '-' and '_'.
  EventChannel(std::string_view kind, const Id& id);

  // "{kind}:{id}"
  const std::string& name() const { return name_; }
  // Ok, or InvalidArgument that says why no hub takes it.
  const absl::Status& check() const { return status_; }

  friend bool operator==(const EventChannel& a, const EventChannel& b) {
    return a.name_ == b.name_;
  }

 private:
  std::string name_;
  absl::Status status_;
};

struct Event {
  // What happened: 1 to 64 bytes of the application's choice.
  std::string name;
  Json data;
  // When it was published, by the publisher's wall clock.
  Timestamp timestamp;
  // The hub that published it: another one after a restart.
  std::string instance_id;
  // Counts what this hub published on this channel.
  std::uint64_t sequence = 0;
};

}  // namespace strata
