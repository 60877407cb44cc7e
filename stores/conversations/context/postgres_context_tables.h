#pragma once

#include "stores/base/postgres_transactor.h"
#include "stores/conversations/context/context_tables.h"

namespace strata::internal {

class PostgresContextTables final : public ContextTables {
 public:
  explicit PostgresContextTables(PostgresSession& session) : session_(session) {}

  absl::StatusOr<bool> lockConversation(const std::string& tenant_id,
                                        const std::string& conversation_id) override;
  absl::StatusOr<std::optional<ConversationContext>> find(
      const std::string& tenant_id, const std::string& conversation_id) override;
  absl::Status put(const ConversationContext& context) override;

 private:
  PostgresSession& session_;
};

}  // namespace strata::internal
