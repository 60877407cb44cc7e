#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include "stores/base/in_memory_rows.h"
#include "strata/store/version.h"
#include "strata/stores/conversations/context/conversation_context.h"
#include "strata/stores/conversations/conversation/conversation.h"
#include "strata/stores/conversations/conversation/message.h"
#include "strata/stores/conversations/execution/execution_context.h"
#include "strata/stores/conversations/path/path.h"

namespace strata::internal {

// The tables of the stores of conversations in an InMemoryDatabase, with the indexes that their
// queries use. All keys begin with the tenant.
struct InMemoryConversations {
  using TenantAndId = std::pair<std::string, std::string>;
  using Presence = std::monostate;

  struct ConversationRow {
    Conversation record;
    Version version;
  };
  // Where a message stands.
  struct Place {
    std::string path_id;
    std::int64_t sequence;
  };

  InMemoryRows<TenantAndId, ConversationRow> conversations;
  InMemoryRows<std::tuple<std::string, Timestamp, std::string>, Presence> by_activity;
  InMemoryRows<TenantAndId, Path> paths;
  // Tenant, conversation, path.
  InMemoryRows<std::tuple<std::string, std::string, std::string>, Presence> paths_of;
  // Tenant, path, sequence.
  InMemoryRows<std::tuple<std::string, std::string, std::int64_t>, Message> messages;
  InMemoryRows<TenantAndId, Place> places;
  // Tenant, conversation.
  InMemoryRows<TenantAndId, ConversationContext> contexts;
  InMemoryRows<TenantAndId, ExecutionContext> executions;
  // Tenant, conversation, path, execution context.
  InMemoryRows<std::tuple<std::string, std::string, std::string, std::string>, Presence>
      executions_of;
};

}  // namespace strata::internal
