#pragma once

#include "stores/conversations/conversation/in_memory_conversations.h"
#include "stores/conversations/execution/execution_tables.h"

namespace strata::internal {

// Whoever writes has the whole database, so there is nothing to lock.
class InMemoryExecutionTables final : public ExecutionTables {
 public:
  using Found = absl::StatusOr<std::optional<ExecutionContext>>;

  InMemoryExecutionTables(InMemoryConversations& data, InMemoryChanges& changes)
      : data_(data), changes_(changes) {}

  absl::StatusOr<bool> lockConversation(const std::string& tenant_id,
                                        const std::string& conversation_id) override;
  absl::StatusOr<bool> hasPath(const std::string& tenant_id, const std::string& conversation_id,
                               const std::string& path_id) override;
  Found find(const std::string& tenant_id, const std::string& id) override;
  Found lock(const std::string& tenant_id, const std::string& id) override {
    return find(tenant_id, id);
  }
  Found findUnterminated(const std::string& tenant_id, const std::string& conversation_id,
                         const std::string& path_id) override;
  Found lockUnterminated(const std::string& tenant_id, const std::string& conversation_id,
                         const std::string& path_id) override {
    return findUnterminated(tenant_id, conversation_id, path_id);
  }
  absl::StatusOr<std::vector<ExecutionContext>> listExpired(const std::string& tenant_id,
                                                            Timestamp by,
                                                            std::int64_t limit) override;
  absl::StatusOr<bool> insert(const ExecutionContext& context) override;
  absl::Status update(const ExecutionContext& context) override;
  absl::StatusOr<std::int64_t> removeTerminated(const std::string& tenant_id, Timestamp by,
                                                std::int64_t limit) override;

 private:
  InMemoryConversations& data_;
  InMemoryChanges& changes_;
};

// What the database does by itself when a path is removed.
void removeExecutionsOf(InMemoryConversations& data, InMemoryChanges& changes, const Path& path);

}  // namespace strata::internal
