// A page of conversations as JSON, and its query, for whoever answers with one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/copilot_server/router.h"
#include "strata/records/described.h"
#include "strata/stores/conversations/conversation/conversation_store.h"

namespace copilot {

struct ConversationList {
  std::vector<strata::Conversation> conversations;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(ConversationList, (), (conversations, next_cursor))

// The page that the call's query asks for: status, limit, cursor.
absl::StatusOr<ConversationList> listConversations(strata::ConversationStore& conversations,
                                                   const Call& call);
// A number of the query; `otherwise` where it is absent.
absl::StatusOr<std::int64_t> numberOf(const Call& call, const std::string& name,
                                      std::int64_t otherwise);

// A member of an event's data beside those of the conversation: whether all of the tenant could read it
// before. Not for readers.
inline constexpr const char* kWasShared = "was_shared";

// Publishes to the readers of the tenant's list the conversation as it is now.
void publishToList(strata::EventHub& events, std::string_view name,
                   const strata::Conversation& conversation, bool was_shared = false);

}  // namespace copilot
