// How events look to a transport: the names of their channels and their JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/events/event.h"

namespace strata::internal {

// What the names of all channels of an application begin with: "{app}:events:".
std::string eventPrefix(std::string_view app);

// `prefix` and the channel's name, in printable ASCII: other bytes are percent-encoded. A name of
// more than 512 bytes keeps its beginning and ends in its SHA-256.
std::string transportName(std::string_view prefix, const EventChannel& channel);

// 1 to 64 bytes of UTF-8 without control bytes.
absl::Status checkEventName(std::string_view name);

// A hub tells of events that it could not send by one without a name, whose sequence is that of the
// last of them. Readers that do not know of it take it for unreadable, which is a gap too.
Event lostNotice(std::string instance_id, std::uint64_t sequence, std::uint64_t missed);
bool isLostNotice(const Event& event);
// How many it tells of; zero: not known.
std::uint64_t missedOf(const Event& lost_notice);

// {"event", "data", "timestamp", "instanceId", "sequence"}
std::string encodeEnvelope(const Event& event);
// InvalidArgument: it is none.
absl::StatusOr<Event> decodeEnvelope(std::string_view payload);

}  // namespace strata::internal
