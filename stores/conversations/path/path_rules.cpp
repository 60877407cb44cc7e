#include "stores/conversations/path/path_rules.h"
#include "stores/base/text_limits.h"

#include <fmt/format.h>

#include <utility>

#include "stores/base/uuid.h"
#include "stores/conversations/conversation/conversation_rules.h"

namespace strata::internal {
namespace {

// The message that a path is to branch from, once everything about it was found right.
absl::StatusOr<Message> branchPoint(ConversationTables& tables, const Conversation& conversation,
                                    const PathPlan& plan) {
  const auto parent = pathIn(tables, conversation, *plan.parent_path_id);
  if (!parent.ok()) return parent.status();
  auto message =
      found(tables.message(conversation.tenant_id, *plan.branch_point_message_id), "message");
  if (!message.ok()) return message;
  if (message->path_id != parent->id) {
    return absl::FailedPreconditionError("the branch point is no message of the parent's own");
  }
  if (message->deleted_at) {
    return absl::FailedPreconditionError("a deleted message cannot be branched from");
  }
  const auto chain = tables.chain(conversation.tenant_id, parent->id);
  if (!chain.ok()) return chain.status();
  if (static_cast<std::int64_t>(chain->size()) > kMaxPathDepth) {
    return absl::FailedPreconditionError(
        fmt::format("a path has at most {} ancestors", kMaxPathDepth));
  }
  return message;
}

absl::Status checkFree(ConversationTables& tables, const std::string& tenant,
                       const std::optional<std::string>& id) {
  if (!id) return absl::OkStatus();
  const auto existing = tables.path(tenant, *id);
  if (!existing.ok()) return existing.status();
  return existing->has_value() ? inUse("path") : absl::OkStatus();
}

absl::Status moveToPrimary(ConversationTables& tables, const Conversation& conversation,
                           const Path& from, Timestamp now) {
  if (conversation.active_path_id != from.id) return absl::OkStatus();
  const auto primary = found(tables.primaryPath(conversation.tenant_id, conversation.id), "path");
  if (!primary.ok()) return primary.status();
  return activate(tables, conversation, *primary, now);
}

absl::Status unmarkBranch(ConversationTables& tables, const Path& path) {
  if (!path.branch_point_message_id) return absl::OkStatus();
  auto message = found(tables.message(path.tenant_id, *path.branch_point_message_id), "message");
  if (!message.ok()) return message.status();
  std::erase(message->branched_to_paths, path.id);
  message->is_branch_point = !message->branched_to_paths.empty();
  return tables.update(path.tenant_id, *message);
}

absl::Status checkNotPrimary(const Path& path) {
  if (!path.is_primary) return absl::OkStatus();
  return absl::FailedPreconditionError("the primary path cannot be archived or deleted");
}

}  // namespace

absl::StatusOr<Path> addPath(ConversationTables& tables, const Conversation& conversation,
                             const PathPlan& plan, Timestamp now) {
  Path path{.id = plan.id ? *plan.id : newUuid(now),
            .conversation_id = conversation.id,
            .tenant_id = conversation.tenant_id,
            .parent_path_id = plan.parent_path_id,
            .branch_point_message_id = plan.branch_point_message_id,
            .name = plan.name,
            .description = plan.description,
            .created_at = now,
            .updated_at = now};
  if (absl::Status status = validateRecord(path); !status.ok()) return status;
  absl::Status status = checkFree(tables, conversation.tenant_id, plan.id);
  if (!status.ok()) return status;
  if (!plan.parent_path_id) {
    if (status = tables.insert(path); !status.ok()) return status;
    return path;
  }
  auto origin = branchPoint(tables, conversation, plan);
  if (!origin.ok()) return origin.status();
  origin->is_branch_point = true;
  origin->branched_to_paths.push_back(path.id);
  if (status = checkTexts(*origin); !status.ok()) return status;
  if (status = tables.insert(path); !status.ok()) return status;
  if (status = tables.update(conversation.tenant_id, *origin); !status.ok()) return status;
  return path;
}

absl::Status activate(ConversationTables& tables, const Conversation& conversation,
                      const Path& path, Timestamp now) {
  if (absl::Status status = checkOpen(path); !status.ok()) return status;
  if (conversation.active_path_id == path.id) return absl::OkStatus();
  Conversation changed = conversation;
  changed.active_path_id = path.id;
  changed.updated_at = now;
  return tables.update(changed);
}

absl::Status setActive(ConversationTables& tables, const Conversation& conversation, Path& path,
                       bool is_active, Timestamp now) {
  if (path.is_active == is_active) return absl::OkStatus();
  if (absl::Status status = checkNotPrimary(path); !status.ok()) return status;
  path.is_active = is_active;
  path.updated_at = now;
  if (absl::Status status = tables.update(path); !status.ok()) return status;
  if (!is_active) {
    absl::Status status = moveToPrimary(tables, conversation, path, now);
    if (!status.ok()) return status;
  }
  return touch(tables, conversation, now);
}

absl::StatusOr<Path> updated(ConversationTables& tables, const Conversation& conversation,
                             const Path& path, const PathUpdate& update, Timestamp now) {
  Path renamed = path;
  if (update.name) renamed.name = *update.name;
  if (update.description) renamed.description = *update.description;
  // All that forbids it first: half of an update makes a unit of work fail.
  absl::Status status = validateRecord(renamed);
  if (status.ok() && update.is_active == false) status = checkNotPrimary(path);
  if (!status.ok()) return status;
  if (!(renamed == path)) {
    renamed.updated_at = now;
    status = tables.update(renamed);
    if (status.ok()) status = touch(tables, conversation, now);
  }
  if (status.ok() && update.is_active) {
    status = setActive(tables, conversation, renamed, *update.is_active, now);
  }
  if (!status.ok()) return status;
  return renamed;
}

absl::Status removeForGood(ConversationTables& tables, const Conversation& conversation,
                           const Path& path, Timestamp now) {
  if (absl::Status status = checkNotPrimary(path); !status.ok()) return status;
  const auto use = tables.useOf(path.tenant_id, path.id);
  if (!use.ok()) return use.status();
  if (use->branches > 0 || use->merged_into > 0) {
    return absl::FailedPreconditionError(
        fmt::format("{} paths branch from the path and {} were merged into it; it can only be "
                    "archived",
                    use->branches, use->merged_into));
  }
  absl::Status status = moveToPrimary(tables, conversation, path, now);
  if (status.ok()) status = unmarkBranch(tables, path);
  if (status.ok()) status = tables.removePath(path.tenant_id, path.id);
  return status.ok() ? touch(tables, conversation, now) : status;
}

}  // namespace strata::internal
