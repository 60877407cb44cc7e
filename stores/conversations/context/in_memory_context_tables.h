#pragma once

#include "stores/conversations/context/context_tables.h"
#include "stores/conversations/conversation/in_memory_conversations.h"

namespace strata::internal {

// Whoever writes has the whole database, so there is nothing to lock.
class InMemoryContextTables final : public ContextTables {
 public:
  InMemoryContextTables(InMemoryConversations& data, InMemoryChanges& changes)
      : data_(data), changes_(changes) {}

  absl::StatusOr<bool> lockConversation(const std::string& tenant_id,
                                        const std::string& conversation_id) override {
    return data_.conversations.find({tenant_id, conversation_id}) != nullptr;
  }

  absl::StatusOr<std::optional<ConversationContext>> find(
      const std::string& tenant_id, const std::string& conversation_id) override {
    const ConversationContext* found = data_.contexts.find({tenant_id, conversation_id});
    return found == nullptr ? std::nullopt : std::optional(*found);
  }

  absl::Status put(const ConversationContext& context) override {
    data_.contexts.put(changes_, {context.tenant_id, context.conversation_id}, context);
    return absl::OkStatus();
  }

 private:
  InMemoryConversations& data_;
  InMemoryChanges& changes_;
};

}  // namespace strata::internal
