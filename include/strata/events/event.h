// Event: something that happened, told to whoever listens to its channel. See event_hub.h.
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

// What goes on in one conversation, and in the list of a tenant's conversations.
EventChannel conversationEvents(std::string_view tenant_id, std::string_view conversation_id);
EventChannel conversationListEvents(std::string_view tenant_id);

struct Event {
  // What happened: 1 to 64 bytes. See event_names below.
  std::string name;
  Json data;
  // When it was published, by the publisher's wall clock.
  Timestamp timestamp;
  // The hub that published it: another one after a restart.
  std::string instance_id;
  // Counts what this hub published on this channel.
  std::uint64_t sequence = 0;
};

namespace event_names {

// In a conversation.
inline constexpr std::string_view kMessage = "message";
inline constexpr std::string_view kMetadata = "metadata";
inline constexpr std::string_view kError = "error";
inline constexpr std::string_view kDone = "done";
inline constexpr std::string_view kDisclaimer = "disclaimer";
inline constexpr std::string_view kWarning = "warning";
inline constexpr std::string_view kMessagePinned = "message:pinned";
inline constexpr std::string_view kMessageUnpinned = "message:unpinned";
inline constexpr std::string_view kPathCreated = "path:created";
inline constexpr std::string_view kPathUpdated = "path:updated";
inline constexpr std::string_view kPathDeleted = "path:deleted";
inline constexpr std::string_view kPathMerged = "path:merged";
inline constexpr std::string_view kPathActive = "path:active";

// In the list of conversations.
inline constexpr std::string_view kSnapshot = "snapshot";
inline constexpr std::string_view kUpsert = "upsert";
inline constexpr std::string_view kArchived = "archived";
inline constexpr std::string_view kUnarchived = "unarchived";
inline constexpr std::string_view kDeleted = "deleted";
inline constexpr std::string_view kRenamed = "renamed";
inline constexpr std::string_view kSharing = "sharing";

}  // namespace event_names

}  // namespace strata
