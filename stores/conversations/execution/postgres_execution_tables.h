#pragma once

#include "stores/base/postgres_transactor.h"
#include "stores/conversations/execution/execution_tables.h"

namespace strata::internal {

class PostgresExecutionTables final : public ExecutionTables {
 public:
  using Found = absl::StatusOr<std::optional<ExecutionContext>>;

  explicit PostgresExecutionTables(PostgresSession& session) : session_(session) {}

  absl::StatusOr<bool> lockConversation(const std::string& tenant_id,
                                        const std::string& conversation_id) override;
  absl::StatusOr<bool> hasPath(const std::string& tenant_id, const std::string& conversation_id,
                               const std::string& path_id) override;
  Found find(const std::string& tenant_id, const std::string& id) override;
  Found lock(const std::string& tenant_id, const std::string& id) override;
  Found findUnterminated(const std::string& tenant_id, const std::string& conversation_id,
                         const std::string& path_id) override;
  Found lockUnterminated(const std::string& tenant_id, const std::string& conversation_id,
                         const std::string& path_id) override;
  absl::StatusOr<std::vector<ExecutionContext>> listExpired(const std::string& tenant_id,
                                                            Timestamp by,
                                                            std::int64_t limit) override;
  absl::StatusOr<bool> insert(const ExecutionContext& context) override;
  absl::Status update(const ExecutionContext& context) override;
  absl::StatusOr<std::int64_t> removeTerminated(const std::string& tenant_id, Timestamp by,
                                                std::int64_t limit) override;

 private:
  using Binds = absl::Span<const postgres::Bind>;

  // How many rows it answers.
  absl::StatusOr<std::int64_t> count(const postgres::Statement& statement, Binds binds);
  // The one row that it answers, or none.
  Found first(const postgres::Statement& statement, Binds binds);

  PostgresSession& session_;
};

}  // namespace strata::internal
