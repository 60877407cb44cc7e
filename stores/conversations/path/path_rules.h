#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stores/conversations/conversation/conversation_tables.h"

namespace strata::internal {

// What is to be created, with canonical ids; `id` is the caller's, if it brought one.
struct PathPlan {
  std::optional<std::string> id;
  std::optional<std::string> parent_path_id;
  std::optional<std::string> branch_point_message_id;
  std::optional<std::string> name;
  std::optional<std::string> description;
};

// Creates a path of a conversation that is locked, and marks the message that it branches from.
absl::StatusOr<Path> addPath(ConversationTables& tables, const Conversation& conversation,
                             const PathPlan& plan, Timestamp now);

// Makes it the active one; nothing to do where it is. FailedPrecondition: nothing can be added to
// it.
absl::Status activate(ConversationTables& tables, const Conversation& conversation,
                      const Path& path, Timestamp now);

// Renames it, and archives it or takes it back.
absl::StatusOr<Path> updated(ConversationTables& tables, const Conversation& conversation,
                             const Path& path, const PathUpdate& update, Timestamp now);

// Archives it or takes it back. The active path is the primary one afterwards if it was this.
absl::Status setActive(ConversationTables& tables, const Conversation& conversation, Path& path,
                       bool is_active, Timestamp now);

// Removes it with its messages, unless something hangs on it, and takes it off the message that it
// branched from.
absl::Status removeForGood(ConversationTables& tables, const Conversation& conversation,
                           const Path& path, Timestamp now);

}  // namespace strata::internal
