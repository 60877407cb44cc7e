#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stores/conversations/conversation/conversation_tables.h"

namespace strata::internal {

// What the conversation and the path store say alike.
absl::Status noSuch(const char* what);  // NotFound: "no such conversation"
absl::Status inUse(const char* what);   // AlreadyExists: "the id of the path is in use"

// What was found; `noSuch` where there is nothing.
template <typename T>
absl::StatusOr<T> found(absl::StatusOr<std::optional<T>> record, const char* what) {
  if (!record.ok()) return record.status();
  if (!record->has_value()) return noSuch(what);
  return **std::move(record);
}
absl::StatusOr<Conversation> found(const absl::StatusOr<Snapshot<Conversation>>& conversation,
                                   const char* what);

// InvalidArgument: a field that no store may hold, or JSON of the application that is no object.
absl::Status check(const Conversation& conversation);
absl::Status check(const Message& message);

// What is new about a conversation or message, without its ids and times.
Conversation toConversation(const NewConversation& from);
Message toMessage(const NewMessage& from);
void apply(const SharingUpdate& update, Conversation& conversation);

// A path that a message can be added to. FailedPrecondition: it was archived or merged.
absl::Status checkOpen(const Path& path);

// Stamps a conversation of which something was changed, unless its record was changed already. The
// last thing that every write does: what is stamped later is never stamped with an earlier time.
absl::Status touch(ConversationTables& tables, const Conversation& conversation, Timestamp now);

// The path of that id, if it is of this conversation; NotFound.
absl::StatusOr<Path> pathIn(ConversationTables& tables, const Conversation& conversation,
                            const std::string& path_id);
// The active path, or the primary one where none is marked.
absl::StatusOr<Path> activePathOf(ConversationTables& tables, const Conversation& conversation);

// The path "Main" that every conversation begins with.
Path primaryPathOf(const Conversation& conversation, const std::string& path_id, Timestamp now);

}  // namespace strata::internal
