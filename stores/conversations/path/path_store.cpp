#include "strata/stores/conversations/path/path_store.h"

#include <utility>

#include "stores/base/arguments.h"
#include "stores/base/ids.h"
#include "stores/base/text_limits.h"
#include "stores/base/uuid.h"
#include "stores/conversations/conversation/conversation_rules.h"
#include "stores/conversations/conversation/conversation_stores.h"
#include "stores/conversations/path/path_merge.h"
#include "stores/conversations/path/path_rules.h"

namespace strata::internal {
namespace {

using Messages = std::vector<Message>;
using Paths = std::vector<Path>;
using Asked = RecordOfTenant;
using Tables = ConversationTables;

absl::Status check(const ResolveQuery& query) {
  if (query.offset < 0) return absl::InvalidArgumentError("offset must not be negative");
  if (query.limit && *query.limit < 1) {
    return absl::InvalidArgumentError("limit must be at least 1");
  }
  return absl::OkStatus();
}

// With canonical ids.
absl::StatusOr<MergeRequest> canonical(const MergeRequest& request) {
  Ids ids;
  MergeRequest made = request;
  made.source_path_id = ids.take(request.source_path_id, "source_path_id");
  made.target_path_id = ids.take(request.target_path_id, "target_path_id");
  made.user_id = ids.takeOptional(request.user_id, "user_id");
  for (std::string& id : made.message_ids) id = ids.take(id, "message_ids");
  if (!ids.ok()) return ids.status();
  if (request.mode == MergeMode::kSelective && request.message_ids.empty()) {
    return absl::InvalidArgumentError("a selective merge needs message_ids");
  }
  const Message summary{.content = request.summary};
  if (absl::Status status = validateRecord(summary); !status.ok()) return status;
  return made;
}

// All of a conversation or, where it names a path, only what is on that.
absl::StatusOr<std::optional<std::string>> scope(Tables& tables, const Asked& conversation,
                                                 const std::optional<std::string>& path_id) {
  const auto whole =
      found(tables.conversation(conversation.tenant_id, conversation.id), "conversation");
  if (!whole.ok()) return whole.status();
  if (!path_id) return std::nullopt;
  const auto path = pathIn(tables, *whole, *path_id);
  if (!path.ok()) return path.status();
  return path_id;
}

// Of a path that may not be there at all: an answer that is not empty says that it is.
absl::StatusOr<Messages> unlessAbsent(Tables& tables, const Asked& path,
                                      absl::StatusOr<Messages> messages) {
  if (!messages.ok() || !messages->empty()) return messages;
  const auto itself = found(tables.path(path.tenant_id, path.id), "path");
  if (!itself.ok()) return itself.status();
  return messages;
}

class RuledPathStore final : public PathStore {
 public:
  RuledPathStore(ConversationDatabase database, std::shared_ptr<Metrics> metrics)
      : database_(std::move(database)), metrics_(std::move(metrics)) {}

  absl::StatusOr<Path> createPath(std::string_view tenant_id, const NewPath& path,
                                  const WriteOptions& options) override {
    Ids ids;
    const std::string tenant = ids.take(tenant_id, "tenant_id");
    const std::string conversation_id = ids.take(path.conversation_id, "conversation_id");
    const PathPlan plan{.id = ids.takeOptional(path.id, "id"),
                        .parent_path_id = ids.takeOptional(path.parent_path_id, "parent_path_id"),
                        .branch_point_message_id = ids.takeOptional(path.branch_point_message_id,
                                                                    "branch_point_message_id"),
                        .name = path.name,
                        .description = path.description};
    if (!ids.ok()) return ids.status();
    if (plan.parent_path_id.has_value() != plan.branch_point_message_id.has_value()) {
      return absl::InvalidArgumentError(
          "parent_path_id and branch_point_message_id go together: both or neither");
    }
    return database_.write<Path>(create_, options, [&](Tables& tables) -> absl::StatusOr<Path> {
      const auto conversation =
          found(tables.lockConversation(tenant, conversation_id), "conversation");
      if (!conversation.ok()) return conversation.status();
      const Timestamp now = database_.stampAfter(*conversation);
      auto added = addPath(tables, *conversation, plan, now);
      if (!added.ok()) return added;
      absl::Status status = touch(tables, *conversation, now);
      if (!status.ok()) return status;
      return added;
    });
  }

  absl::StatusOr<Path> getPath(std::string_view tenant_id, std::string_view path_id,
                               const ReadOptions& options) override {
    return readOf<Path>(get_, tenant_id, path_id, "path_id", options,
                        [](Tables& tables, const Asked& asked) {
                          return found(tables.path(asked.tenant_id, asked.id), "path");
                        });
  }

  absl::StatusOr<Paths> listPaths(std::string_view tenant_id, std::string_view conversation_id,
                                  const PathQuery& query, const ReadOptions& options) override {
    Ids ids;
    PathQuery wanted = query;
    wanted.parent_path_id = ids.takeOptional(query.parent_path_id, "parent_path_id");
    if (!ids.ok()) return ids.status();
    if ((query.parent == PathParent::kOf) != query.parent_path_id.has_value()) {
      return absl::InvalidArgumentError("parent_path_id goes with the parent kOf, and only there");
    }
    return readOf<Paths>(list_, tenant_id, conversation_id, "conversation_id", options,
                         [&](Tables& tables, const Asked& asked) -> absl::StatusOr<Paths> {
                           const auto scoped = scope(tables, asked, wanted.parent_path_id);
                           if (!scoped.ok()) return scoped.status();
                           return tables.pathsOf(asked.tenant_id, asked.id, wanted);
                         });
  }

  absl::StatusOr<Path> updatePath(std::string_view tenant_id, std::string_view path_id,
                                  const PathUpdate& update, const WriteOptions& options) override {
    return changePath<Path>(
        update_, tenant_id, path_id, options,
        [&](Tables& tables, const Conversation& conversation, const Path& path, Timestamp now) {
          return updated(tables, conversation, path, update, now);
        });
  }

  absl::Status deletePath(std::string_view tenant_id, std::string_view path_id,
                          PathDeletion deletion, const WriteOptions& options) override {
    const auto deleted = changePath<Path>(
        delete_, tenant_id, path_id, options,
        [&](Tables& tables, const Conversation& conversation, Path path,
            Timestamp now) -> absl::StatusOr<Path> {
          const absl::Status status = deletion == PathDeletion::kHard
                                          ? removeForGood(tables, conversation, path, now)
                                          : setActive(tables, conversation, path, false, now);
          if (!status.ok()) return status;
          return path;
        });
    return deleted.status();
  }

  absl::StatusOr<Messages> resolvePathMessages(std::string_view tenant_id, std::string_view path_id,
                                               const ResolveQuery& query,
                                               const ReadOptions& options) override {
    if (absl::Status status = check(query); !status.ok()) return status;
    return readOf<Messages>(
        resolve_, tenant_id, path_id, "path_id", options, [&](Tables& tables, const Asked& asked) {
          return unlessAbsent(tables, asked,
                              tables.resolvedMessages(asked.tenant_id, asked.id, query));
        });
  }

  absl::StatusOr<PathResolution> getFullPathResolution(std::string_view tenant_id,
                                                       std::string_view path_id,
                                                       const ReadOptions& options) override {
    return readOf<PathResolution>(
        resolve_full_, tenant_id, path_id, "path_id", options,
        [](Tables& tables, const Asked& asked) -> absl::StatusOr<PathResolution> {
          auto chain = tables.chain(asked.tenant_id, asked.id);
          if (!chain.ok()) return chain.status();
          if (chain->empty()) return noSuch("path");
          auto messages = tables.resolvedMessages(asked.tenant_id, asked.id, {});
          if (!messages.ok()) return messages.status();
          return PathResolution{.chain = *std::move(chain), .messages = *std::move(messages)};
        });
  }

  absl::StatusOr<Path> getActivePath(std::string_view tenant_id, std::string_view conversation_id,
                                     const ReadOptions& options) override {
    return readOf<Path>(get_active_, tenant_id, conversation_id, "conversation_id", options,
                        [](Tables& tables, const Asked& asked) -> absl::StatusOr<Path> {
                          const auto conversation =
                              found(tables.conversation(asked.tenant_id, asked.id), "conversation");
                          if (!conversation.ok()) return conversation.status();
                          return activePathOf(tables, *conversation);
                        });
  }

  absl::StatusOr<Path> setActivePath(std::string_view tenant_id, std::string_view conversation_id,
                                     std::string_view path_id,
                                     const WriteOptions& options) override {
    const auto wanted = recordOfTenant(tenant_id, conversation_id, "conversation_id");
    if (!wanted.ok()) return wanted.status();
    return changePath<Path>(
        set_active_, tenant_id, path_id, options,
        [&](Tables& tables, const Conversation& conversation, Path path,
            Timestamp now) -> absl::StatusOr<Path> {
          if (conversation.id != wanted->id) {
            const auto other =
                found(tables.conversation(wanted->tenant_id, wanted->id), "conversation");
            if (!other.ok()) return other.status();
            return absl::FailedPreconditionError("the path is one of another conversation");
          }
          absl::Status status = activate(tables, conversation, path, now);
          if (!status.ok()) return status;
          return path;
        });
  }

  absl::StatusOr<Path> branchFromMessage(std::string_view tenant_id, std::string_view message_id,
                                         const NewBranch& branch,
                                         const WriteOptions& options) override {
    Ids ids;
    PathPlan plan{.id = ids.takeOptional(branch.id, "id"),
                  .branch_point_message_id = ids.take(message_id, "message_id"),
                  .name = branch.name,
                  .description = branch.description};
    const std::string tenant = ids.take(tenant_id, "tenant_id");
    if (!ids.ok()) return ids.status();
    return database_.write<Path>(branch_, options, [&](Tables& tables) -> absl::StatusOr<Path> {
      const std::string& message = *plan.branch_point_message_id;
      const auto conversation = found(tables.lockConversationOfMessage(tenant, message), "message");
      if (!conversation.ok()) return conversation.status();
      auto origin = found(tables.message(tenant, message), "message");
      if (!origin.ok()) return origin.status();
      plan.parent_path_id = std::move(origin->path_id);
      const Timestamp now = database_.stampAfter(*conversation);
      auto path = addPath(tables, *conversation, plan, now);
      if (!path.ok()) return path;
      absl::Status status = branch.activate ? activate(tables, *conversation, *path, now)
                                            : touch(tables, *conversation, now);
      if (!status.ok()) return status;
      return path;
    });
  }

  absl::StatusOr<Messages> getBranchPointsForPath(std::string_view tenant_id,
                                                  std::string_view path_id,
                                                  const ReadOptions& options) override {
    return readOf<Messages>(branch_points_, tenant_id, path_id, "path_id", options,
                            [](Tables& tables, const Asked& asked) {
                              return unlessAbsent(tables, asked,
                                                  tables.branchPoints(asked.tenant_id, asked.id));
                            });
  }

  absl::StatusOr<MergeResult> mergePath(std::string_view tenant_id, const MergeRequest& request,
                                        const WriteOptions& options) override {
    const auto wanted = canonical(request);
    if (!wanted.ok()) return wanted.status();
    return changePath<MergeResult>(merge_, tenant_id, wanted->source_path_id, options,
                                   [&](Tables& tables, const Conversation& conversation,
                                       const Path&, Timestamp now) -> absl::StatusOr<MergeResult> {
                                     auto plan = planMerge(tables, conversation, *wanted, now);
                                     if (!plan.ok()) return plan;
                                     absl::Status status =
                                         carryOut(tables, conversation, now, *plan);
                                     if (!status.ok()) return status;
                                     return plan;
                                   });
  }

  absl::StatusOr<MergeResult> previewMerge(std::string_view tenant_id, const MergeRequest& request,
                                           const ReadOptions& options) override {
    const auto wanted = canonical(request);
    if (!wanted.ok()) return wanted.status();
    return readOf<MergeResult>(
        preview_, tenant_id, wanted->source_path_id, "source_path_id", options,
        [&](Tables& tables, const Asked& asked) -> absl::StatusOr<MergeResult> {
          const auto source = found(tables.path(asked.tenant_id, asked.id), "path");
          if (!source.ok()) return source.status();
          const auto conversation =
              found(tables.conversation(asked.tenant_id, source->conversation_id), "conversation");
          if (!conversation.ok()) return conversation.status();
          return planMerge(tables, *conversation, *wanted, database_.stampAfter(*conversation));
        });
  }

  absl::StatusOr<Message> pinMessage(std::string_view tenant_id, std::string_view message_id,
                                     const std::optional<std::string>& user_id,
                                     const WriteOptions& options) override {
    Ids ids;
    const std::optional<std::string> user = ids.takeOptional(user_id, "user_id");
    if (!ids.ok()) return ids.status();
    return changeMessage(
        pin_, tenant_id, message_id, options, [&](Message& message, Timestamp now) -> absl::Status {
          if (message.deleted_at) {
            return absl::FailedPreconditionError("a deleted message cannot be pinned");
          }
          if (message.is_pinned) return absl::OkStatus();
          message.is_pinned = true;
          message.pinned_at = now;
          message.pinned_by = user;
          return absl::OkStatus();
        });
  }

  absl::StatusOr<Message> unpinMessage(std::string_view tenant_id, std::string_view message_id,
                                       const WriteOptions& options) override {
    return changeMessage(unpin_, tenant_id, message_id, options,
                         [](Message& message, Timestamp) -> absl::Status {
                           message.is_pinned = false;
                           message.pinned_at.reset();
                           message.pinned_by.reset();
                           return absl::OkStatus();
                         });
  }

  absl::StatusOr<Messages> getPinnedMessages(std::string_view tenant_id,
                                             std::string_view conversation_id,
                                             const std::optional<std::string>& path_id,
                                             const ReadOptions& options) override {
    return readPinned<Messages>(pinned_, tenant_id, conversation_id, path_id, options,
                                [](Tables& tables, const Asked& asked, const auto& path) {
                                  return tables.pinnedMessages(asked.tenant_id, asked.id, path);
                                });
  }

  absl::StatusOr<std::int64_t> getPinnedMessageCount(std::string_view tenant_id,
                                                     std::string_view conversation_id,
                                                     const std::optional<std::string>& path_id,
                                                     const ReadOptions& options) override {
    return readPinned<std::int64_t>(pinned_count_, tenant_id, conversation_id, path_id, options,
                                    [](Tables& tables, const Asked& asked, const auto& path) {
                                      return tables.pinnedCount(asked.tenant_id, asked.id, path);
                                    });
  }

  absl::StatusOr<Path> getPrimaryPath(std::string_view tenant_id, std::string_view conversation_id,
                                      const ReadOptions& options) override {
    return readOf<Path>(primary_, tenant_id, conversation_id, "conversation_id", options,
                        [](Tables& tables, const Asked& asked) {
                          return found(tables.primaryPath(asked.tenant_id, asked.id), "path");
                        });
  }

  absl::StatusOr<Path> ensurePrimaryPath(std::string_view tenant_id,
                                         std::string_view conversation_id,
                                         const WriteOptions& options) override {
    const auto asked = recordOfTenant(tenant_id, conversation_id, "conversation_id");
    if (!asked.ok()) return asked.status();
    return database_.write<Path>(
        ensure_primary_, options, [&](Tables& tables) -> absl::StatusOr<Path> {
          const auto conversation =
              found(tables.lockConversation(asked->tenant_id, asked->id), "conversation");
          if (!conversation.ok()) return conversation.status();
          auto existing = tables.primaryPath(asked->tenant_id, asked->id);
          if (!existing.ok()) return existing.status();
          if (existing->has_value()) return **std::move(existing);
          const Timestamp now = database_.stampAfter(*conversation);
          const Path made = primaryPathOf(*conversation, newUuid(now), now);
          absl::Status status = tables.insert(made);
          if (status.ok()) status = touch(tables, *conversation, now);
          if (!status.ok()) return status;
          return made;
        });
  }

  Health healthCheck() override { return database_.healthCheck(); }

 private:
  // Reads something about a conversation or a path: `work(tables, asked)`.
  template <typename R, typename Work>
  absl::StatusOr<R> readOf(const StoreOperation& operation, std::string_view tenant_id,
                           std::string_view id, const char* what, const ReadOptions& options,
                           Work work) {
    const auto asked = recordOfTenant(tenant_id, id, what);
    if (!asked.ok()) return asked.status();
    return database_.read<R>(operation, options,
                             [&](Tables& tables) { return work(tables, *asked); });
  }

  template <typename R, typename Work>
  absl::StatusOr<R> readPinned(const StoreOperation& operation, std::string_view tenant_id,
                               std::string_view conversation_id,
                               const std::optional<std::string>& path_id,
                               const ReadOptions& options, Work work) {
    Ids ids;
    const std::optional<std::string> path = ids.takeOptional(path_id, "path_id");
    if (!ids.ok()) return ids.status();
    return readOf<R>(operation, tenant_id, conversation_id, "conversation_id", options,
                     [&](Tables& tables, const Asked& asked) -> absl::StatusOr<R> {
                       const auto scoped = scope(tables, asked, path);
                       if (!scoped.ok()) return scoped.status();
                       return work(tables, asked, *scoped);
                     });
  }

  // Changes a path whose conversation is locked: `work(tables, conversation, path, now)`.
  template <typename R, typename Work>
  absl::StatusOr<R> changePath(const StoreOperation& operation, std::string_view tenant_id,
                               std::string_view path_id, const WriteOptions& options, Work work) {
    const auto asked = recordOfTenant(tenant_id, path_id, "path_id");
    if (!asked.ok()) return asked.status();
    return database_.write<R>(operation, options, [&](Tables& tables) -> absl::StatusOr<R> {
      const auto conversation =
          found(tables.lockConversationOfPath(asked->tenant_id, asked->id), "path");
      if (!conversation.ok()) return conversation.status();
      auto path = found(tables.path(asked->tenant_id, asked->id), "path");
      if (!path.ok()) return path.status();
      return work(tables, *conversation, *std::move(path), database_.stampAfter(*conversation));
    });
  }

  // Changes a message whose conversation is locked, and stores it where it did.
  template <typename Change>
  absl::StatusOr<Message> changeMessage(const StoreOperation& operation, std::string_view tenant_id,
                                        std::string_view message_id, const WriteOptions& options,
                                        Change change) {
    const auto asked = recordOfTenant(tenant_id, message_id, "message_id");
    if (!asked.ok()) return asked.status();
    return database_.write<Message>(
        operation, options, [&](Tables& tables) -> absl::StatusOr<Message> {
          const auto conversation =
              found(tables.lockConversationOfMessage(asked->tenant_id, asked->id), "message");
          if (!conversation.ok()) return conversation.status();
          const auto before = found(tables.message(asked->tenant_id, asked->id), "message");
          if (!before.ok()) return before.status();
          Message message = *before;
          const Timestamp now = database_.stampAfter(*conversation);
          absl::Status status = change(message, now);
          if (!status.ok()) return status;
          if (message == *before) return message;
          if (status = checkTexts(message); !status.ok()) return status;
          status = tables.update(asked->tenant_id, message);
          if (status.ok()) status = touch(tables, *conversation, now);
          if (!status.ok()) return status;
          return message;
        });
  }

  StoreOperation operation(const char* name) const {
    return {*metrics_, "conversation_paths", name};
  }

  ConversationDatabase database_;
  const std::shared_ptr<Metrics> metrics_;
  const StoreOperation create_ = operation("create_path");
  const StoreOperation get_ = operation("get_path");
  const StoreOperation list_ = operation("list_paths");
  const StoreOperation update_ = operation("update_path");
  const StoreOperation delete_ = operation("delete_path");
  const StoreOperation resolve_ = operation("resolve_path_messages");
  const StoreOperation resolve_full_ = operation("get_full_path_resolution");
  const StoreOperation get_active_ = operation("get_active_path");
  const StoreOperation set_active_ = operation("set_active_path");
  const StoreOperation branch_ = operation("branch_from_message");
  const StoreOperation branch_points_ = operation("get_branch_points_for_path");
  const StoreOperation merge_ = operation("merge_path");
  const StoreOperation preview_ = operation("preview_merge");
  const StoreOperation pin_ = operation("pin_message");
  const StoreOperation unpin_ = operation("unpin_message");
  const StoreOperation pinned_ = operation("get_pinned_messages");
  const StoreOperation pinned_count_ = operation("get_pinned_message_count");
  const StoreOperation primary_ = operation("get_primary_path");
  const StoreOperation ensure_primary_ = operation("ensure_primary_path");
};

}  // namespace

std::unique_ptr<PathStore> makePathStore(ConversationDatabase database,
                                         std::shared_ptr<Metrics> metrics) {
  return std::make_unique<RuledPathStore>(std::move(database), std::move(metrics));
}

}  // namespace strata::internal
