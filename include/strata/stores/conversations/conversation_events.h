// The events of conversations: on which channels they go, and what they are called.
//
//   (*hub)->publish(conversationEvents(tenant, conversation), conversation_event_names::kDone, data);
//
// The stores publish nothing by themselves; the application does, after a write. docs/event_hub.md
// has an example.
#pragma once

#include <string_view>

#include "strata/events/event.h"

namespace strata {

// Channel `conversation:{tenantId}:{conversationId}`: changes in one conversation.
EventChannel conversationEvents(std::string_view tenant_id, std::string_view conversation_id);
// Channel `conversation-list:{tenantId}`: changes in the list of a tenant's conversations.
EventChannel conversationListEvents(std::string_view tenant_id);

namespace conversation_event_names {

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

}  // namespace conversation_event_names

}  // namespace strata
