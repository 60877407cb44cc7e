#include "stores/conversations/conversation/conversation_rules.h"
#include "stores/base/text_limits.h"

#include <fmt/format.h>

namespace strata::internal {
namespace {

absl::Status checkObject(const Json& json, const char* what) {
  if (json.text().starts_with('{')) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} must be a JSON object", what));
}

}  // namespace

absl::Status noSuch(const char* what) {
  return absl::NotFoundError(fmt::format("no such {}", what));
}

absl::Status inUse(const char* what) {
  return absl::AlreadyExistsError(fmt::format("the id of the {} is in use", what));
}

absl::StatusOr<Conversation> found(const absl::StatusOr<Snapshot<Conversation>>& conversation,
                                   const char* what) {
  if (!conversation.ok()) return conversation.status();
  if (*conversation == nullptr) return noSuch(what);
  return **conversation;
}

// What is new about a conversation, without its ids and times.
Conversation toConversation(const NewConversation& from) {
  return {.trace_id = from.trace_id,
          .root_span_name = from.root_span_name,
          .root_span_id = from.root_span_id,
          .share_audience = from.share_audience,
          .tenant_access = from.tenant_access,
          .authorization_model = from.authorization_model,
          .authorization_spec = from.authorization_spec,
          .persona_id = from.persona_id,
          .jurisdictions = from.jurisdictions,
          .title = from.title};
}

Message toMessage(const NewMessage& from) {
  return {.role = from.role,
          .content = from.content,
          .metadata = from.metadata,
          .trace_id = from.trace_id,
          .root_span_name = from.root_span_name,
          .root_span_id = from.root_span_id,
          .message_type = from.message_type};
}

absl::Status check(const Conversation& conversation) {
  absl::Status status = checkObject(conversation.authorization_spec, "authorization_spec");
  return status.ok() ? validateRecord(conversation) : status;
}

absl::Status check(const Message& message) {
  absl::Status status = checkObject(message.metadata, "metadata");
  return status.ok() ? validateRecord(message) : status;
}

void apply(const SharingUpdate& update, Conversation& conversation) {
  if (update.title) conversation.title = *update.title;
  if (update.share_audience) conversation.share_audience = *update.share_audience;
  if (update.tenant_access) conversation.tenant_access = *update.tenant_access;
  if (update.authorization_model) conversation.authorization_model = *update.authorization_model;
  if (update.authorization_spec) conversation.authorization_spec = *update.authorization_spec;
}

absl::Status checkOpen(const Path& path) {
  if (path.merged_at) {
    return absl::FailedPreconditionError("the path was merged, so nothing can be added to it");
  }
  if (path.is_active) return absl::OkStatus();
  return absl::FailedPreconditionError("the path was archived, so nothing can be added to it");
}

absl::Status touch(ConversationTables& tables, const Conversation& conversation, Timestamp now) {
  if (!tables.changed().empty()) return absl::OkStatus();
  Conversation touched = conversation;
  touched.updated_at = now;
  return tables.update(touched);
}

absl::StatusOr<Path> pathIn(ConversationTables& tables, const Conversation& conversation,
                            const std::string& path_id) {
  auto path = found(tables.path(conversation.tenant_id, path_id), "path");
  if (path.ok() && path->conversation_id != conversation.id) return noSuch("path");
  return path;
}

absl::StatusOr<Path> activePathOf(ConversationTables& tables, const Conversation& conversation) {
  if (conversation.active_path_id) {
    return pathIn(tables, conversation, *conversation.active_path_id);
  }
  return found(tables.primaryPath(conversation.tenant_id, conversation.id), "path");
}

Path primaryPathOf(const Conversation& conversation, const std::string& path_id, Timestamp now) {
  return {.id = path_id,
          .conversation_id = conversation.id,
          .tenant_id = conversation.tenant_id,
          .name = "Main",
          .is_primary = true,
          .created_at = now,
          .updated_at = now};
}

}  // namespace strata::internal
