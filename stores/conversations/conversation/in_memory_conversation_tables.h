#pragma once

#include <functional>
#include <string>
#include <vector>

#include "stores/conversations/conversation/conversation_tables.h"
#include "stores/conversations/conversation/in_memory_conversations.h"
#include "strata/memory/in_memory_database.h"

namespace strata::internal {

// ConversationTables in memory.
class InMemoryConversationTables final : public ConversationTables {
 public:
  InMemoryConversationTables(InMemoryConversations& data, InMemoryChanges& changes)
      : data_(data), changes_(changes) {}

  absl::StatusOr<Snapshot<Conversation>> conversation(const std::string& tenant,
                                                      const std::string& id) override;
  absl::StatusOr<std::vector<Snapshot<Conversation>>> conversations(
      const std::string& tenant, absl::Span<const std::string> ids) override;
  absl::StatusOr<Snapshot<Conversation>> lockConversation(const std::string& tenant,
                                                          const std::string& id) override {
    return conversation(tenant, id);  // nobody else writes in the meantime
  }
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
  using VisitMessage = std::function<void(const Message&)>;
  using VisitPath = std::function<void(const Path&)>;

  absl::Status insertConversation(const Conversation& conversation) override;
  absl::Status updateConversation(const Conversation& conversation) override;
  absl::Status appendMessages(const std::string& tenant, std::vector<Message>& messages) override;

  Path withCounts(Path path) const;
  void visitPaths(const std::string& tenant, const std::string& conversation,
                  const VisitPath& visit) const;
  // By sequence, up to `last`.
  void visitMessages(const std::string& tenant, const std::string& path, std::int64_t last,
                     const VisitMessage& visit) const;
  std::vector<std::string> pathIdsOf(const std::string& tenant, const std::string& conversation,
                                     const std::optional<std::string>& only) const;

  InMemoryConversations& data_;
  InMemoryChanges& changes_;
};

}  // namespace strata::internal
