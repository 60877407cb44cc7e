#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "strata/records/id.h"
#include "strata/store/snapshot.h"
#include "strata/stores/conversations/conversation/conversation_store.h"
#include "strata/stores/conversations/path/path_store.h"

namespace strata::internal {

// Where a page of conversations goes on: after this one.
struct ActivityCursor {
  Timestamp active_at;
  std::string id;
};

// When it was last active, by which lists are ordered.
inline Timestamp activeAt(const Conversation& conversation) {
  return conversation.last_message_at.value_or(conversation.created_at);
}

struct ListFilter {
  // Only what this user may read by the rules of the row (authorization.h).
  std::optional<std::string> reader;
  ConversationStatus status = ConversationStatus::kActive;
  std::optional<ActivityCursor> after;
  std::int64_t limit = 0;

  // Whether so many conversations, each as long as it may be, are more than kMaxPageBytes. Then the
  // list may end early, with the one that is too much.
  bool mayExceedAPage() const { return limit > kAlwaysInAPage; }
  static constexpr std::int64_t kAlwaysInAPage = 450;
};

struct CompactionFilter {
  Timestamp active_since;
  Timestamp not_compacted_since;
  std::int64_t more_messages_than = 0;
  std::int64_t limit = 0;
};

// What hangs on a path.
struct PathUse {
  std::int64_t branches = 0;
  std::int64_t merged_into = 0;
};

// What the rules of the conversation and path stores ask of a database, inside one transaction. It
// decides nothing. Ids are canonical; tenants come first and bound every answer.
//
// Whoever writes to a conversation or anything of it locks it first, so writers of one conversation
// take turns and never wait for each other in a circle.
class ConversationTables {
 public:
  virtual ~ConversationTables() = default;

  // The conversations whose records were changed.
  const std::vector<Id>& changed() const { return changed_; }

  // ---- Conversations; null: there is none ----
  virtual absl::StatusOr<Snapshot<Conversation>> conversation(const std::string& tenant,
                                                              const std::string& id) = 0;
  // One answer for each id, in order.
  virtual absl::StatusOr<std::vector<Snapshot<Conversation>>> conversations(
      const std::string& tenant, absl::Span<const std::string> ids) = 0;
  virtual absl::StatusOr<Snapshot<Conversation>> lockConversation(const std::string& tenant,
                                                                  const std::string& id) = 0;
  virtual absl::StatusOr<Snapshot<Conversation>> lockConversationOfPath(const std::string& tenant,
                                                                        const std::string& id) = 0;
  virtual absl::StatusOr<Snapshot<Conversation>> lockConversationOfMessage(
      const std::string& tenant, const std::string& id) = 0;
  // By activity, the newest first.
  virtual absl::StatusOr<std::vector<Conversation>> list(const std::string& tenant,
                                                         const ListFilter& filter) = 0;
  // Never compacted ones first, then by when they were, each by activity, the newest first.
  virtual absl::StatusOr<std::vector<Conversation>> needingCompaction(
      const std::string& tenant, const CompactionFilter& filter) = 0;
  absl::Status insert(const Conversation& conversation) {
    changed_.push_back(idOf(conversation));
    return insertConversation(conversation);
  }
  absl::Status update(const Conversation& conversation) {
    changed_.push_back(idOf(conversation));
    return updateConversation(conversation);
  }

  // ---- Paths, with their counts ----
  virtual absl::StatusOr<std::optional<Path>> path(const std::string& tenant,
                                                   const std::string& id) = 0;
  virtual absl::StatusOr<std::optional<Path>> primaryPath(const std::string& tenant,
                                                          const std::string& conversation) = 0;
  // The primary one first, then by creation. `query.parent_path_id` is canonical.
  virtual absl::StatusOr<std::vector<Path>> pathsOf(const std::string& tenant,
                                                    const std::string& conversation,
                                                    const PathQuery& query) = 0;
  // From the root to the path itself; empty where there is no such path.
  virtual absl::StatusOr<std::vector<Path>> chain(const std::string& tenant,
                                                  const std::string& path) = 0;
  virtual absl::StatusOr<PathUse> useOf(const std::string& tenant, const std::string& path) = 0;
  // What is counted is not stored.
  virtual absl::Status insert(const Path& path) = 0;
  virtual absl::Status update(const Path& path) = 0;
  // With its messages.
  virtual absl::Status removePath(const std::string& tenant, const std::string& path) = 0;

  // ---- Messages ----
  virtual absl::StatusOr<std::optional<Message>> message(const std::string& tenant,
                                                         const std::string& id) = 0;
  // Ascending by time, and within a path by sequence.
  virtual absl::StatusOr<std::vector<Message>> newestMessages(
      const std::string& tenant, const std::string& conversation,
      const std::optional<std::string>& path, std::int64_t limit) = 0;
  // With those of its ancestors, in order, filtered, then paged.
  virtual absl::StatusOr<std::vector<Message>> resolvedMessages(const std::string& tenant,
                                                                const std::string& path,
                                                                const ResolveQuery& query) = 0;
  // The path's own that are not deleted, by sequence.
  virtual absl::StatusOr<std::vector<Message>> liveMessages(const std::string& tenant,
                                                            const std::string& path) = 0;
  // The path's own that others branch from, by sequence.
  virtual absl::StatusOr<std::vector<Message>> branchPoints(const std::string& tenant,
                                                            const std::string& path) = 0;
  // Pinned and not deleted, ascending as above.
  virtual absl::StatusOr<std::vector<Message>> pinnedMessages(
      const std::string& tenant, const std::string& conversation,
      const std::optional<std::string>& path) = 0;
  virtual absl::StatusOr<std::int64_t> pinnedCount(const std::string& tenant,
                                                   const std::string& conversation,
                                                   const std::optional<std::string>& path) = 0;
  // Adds messages at the end of their path, all of one, and gives them their sequence. Stamps the
  // path and the conversation, which has a new message, with the time of the last one.
  absl::Status append(const std::string& tenant, std::vector<Message>& messages) {
    changed_.push_back({tenant, messages.front().conversation_id});
    return appendMessages(tenant, messages);
  }
  virtual absl::Status update(const std::string& tenant, const Message& message) = 0;
  // Of its own messages that are not deleted.
  virtual absl::Status addToMessageCount(const std::string& tenant, const std::string& path,
                                         std::int64_t difference) = 0;

 private:
  virtual absl::Status insertConversation(const Conversation& conversation) = 0;
  virtual absl::Status updateConversation(const Conversation& conversation) = 0;
  virtual absl::Status appendMessages(const std::string& tenant,
                                      std::vector<Message>& messages) = 0;

  std::vector<Id> changed_;
};

}  // namespace strata::internal
