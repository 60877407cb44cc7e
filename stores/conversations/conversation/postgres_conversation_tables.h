#pragma once

#include <string>
#include <vector>

#include "stores/base/postgres_records.h"
#include "stores/base/postgres_transactor.h"
#include "stores/conversations/conversation/conversation_tables.h"

namespace strata::internal {

// ConversationTables in PostgreSQL. Each method is one statement, which is written where it is run.
class PostgresConversationTables final : public ConversationTables {
 public:
  explicit PostgresConversationTables(PostgresSession& session) : session_(session) {}

  absl::StatusOr<Snapshot<Conversation>> conversation(const std::string& tenant,
                                                      const std::string& id) override;
  absl::StatusOr<std::vector<Snapshot<Conversation>>> conversations(
      const std::string& tenant, absl::Span<const std::string> ids) override;
  absl::StatusOr<Snapshot<Conversation>> lockConversation(const std::string& tenant,
                                                          const std::string& id) override;
  absl::StatusOr<Snapshot<Conversation>> lockConversationOfPath(const std::string& tenant,
                                                                const std::string& id) override;
  absl::StatusOr<Snapshot<Conversation>> lockConversationOfMessage(const std::string& tenant,
                                                                   const std::string& id) override;
  absl::StatusOr<std::vector<Conversation>> list(const std::string& tenant,
                                                 const ListFilter& filter) override;
  absl::StatusOr<std::vector<Conversation>> needingCompaction(
      const std::string& tenant, const CompactionFilter& filter) override;

  absl::StatusOr<std::optional<Path>> path(const std::string& tenant,
                                           const std::string& id) override;
  absl::StatusOr<std::optional<Path>> primaryPath(const std::string& tenant,
                                                  const std::string& conversation) override;
  absl::StatusOr<std::vector<Path>> pathsOf(const std::string& tenant,
                                            const std::string& conversation,
                                            const PathQuery& query) override;
  absl::StatusOr<std::vector<Path>> chain(const std::string& tenant,
                                          const std::string& path) override;
  absl::StatusOr<PathUse> useOf(const std::string& tenant, const std::string& path) override;
  absl::Status insert(const Path& path) override;
  absl::Status update(const Path& path) override;
  absl::Status removePath(const std::string& tenant, const std::string& path) override;

  absl::StatusOr<std::optional<Message>> message(const std::string& tenant,
                                                 const std::string& id) override;
  absl::StatusOr<std::vector<Message>> newestMessages(const std::string& tenant,
                                                      const std::string& conversation,
                                                      const std::optional<std::string>& path,
                                                      std::int64_t limit) override;
  absl::StatusOr<std::vector<Message>> resolvedMessages(const std::string& tenant,
                                                        const std::string& path,
                                                        const ResolveQuery& query) override;
  absl::StatusOr<std::vector<Message>> liveMessages(const std::string& tenant,
                                                    const std::string& path) override;
  absl::StatusOr<std::vector<Message>> branchPoints(const std::string& tenant,
                                                    const std::string& path) override;
  absl::StatusOr<std::vector<Message>> pinnedMessages(
      const std::string& tenant, const std::string& conversation,
      const std::optional<std::string>& path) override;
  absl::StatusOr<std::int64_t> pinnedCount(const std::string& tenant,
                                           const std::string& conversation,
                                           const std::optional<std::string>& path) override;
  absl::Status update(const std::string& tenant, const Message& message) override;
  absl::Status addToMessageCount(const std::string& tenant, const std::string& path,
                                 std::int64_t difference) override;

 private:
  using Binds = std::vector<postgres::Bind>;

  absl::Status insertConversation(const Conversation& conversation) override;
  absl::Status updateConversation(const Conversation& conversation) override;
  absl::Status appendMessages(const std::string& tenant, std::vector<Message>& messages) override;

  // Of a statement that reads the columns of conversations, then the version.
  absl::StatusOr<std::vector<Snapshot<Conversation>>> readConversations(
      const postgres::Statement& statement, const Binds& binds);
  absl::StatusOr<Snapshot<Conversation>> readConversation(const postgres::Statement& statement,
                                                          const Binds& binds);
  absl::StatusOr<std::vector<Path>> readPaths(const postgres::Statement& statement,
                                              const Binds& binds);
  absl::StatusOr<std::vector<Message>> readMessages(const postgres::Statement& statement,
                                                    const Binds& binds);
  absl::Status write(const postgres::Statement& statement, const Binds& binds) {
    return session_.run(statement, binds).status();
  }

  PostgresSession& session_;
};

}  // namespace strata::internal
