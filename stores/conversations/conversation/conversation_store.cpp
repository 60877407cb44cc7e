#include "strata/stores/conversations/conversation/conversation_store.h"

#include <algorithm>
#include <utility>

#include "src/store/page_bound.h"
#include "stores/base/arguments.h"
#include "stores/base/ids.h"
#include "stores/base/text_limits.h"
#include "stores/base/uuid.h"
#include "stores/conversations/conversation/conversation_rules.h"
#include "stores/conversations/conversation/conversation_stores.h"
#include "stores/conversations/conversation/page_cursor.h"
#include "strata/base/internal/user_calls.h"

namespace strata::internal {
namespace {

constexpr std::int64_t kMessagesWithoutCompaction = 50;
constexpr auto kActiveWithin = std::chrono::days(7);
constexpr auto kCompactedWithin = std::chrono::days(1);

// Who asks, in canonical form.
Caller take(Ids& ids, const Caller& caller) {
  return {.tenant_id = ids.take(caller.tenant_id, "tenant_id"),
          .user_id = ids.takeOptional(caller.user_id, "user_id")};
}

// How many of those that were found make the page: at least one less where there are more than it
// may hold.
std::size_t countOf(const std::vector<Conversation>& found, const ListFilter& filter) {
  const std::size_t most = static_cast<std::size_t>(filter.limit) - 1;
  const std::size_t count = filter.mayExceedAPage() ? countOfPage(found) : found.size();
  return std::min(count, most);
}

class RuledConversationStore final : public ConversationStore {
 public:
  RuledConversationStore(ConversationDatabase database,
                         std::unique_ptr<Store<Conversation>> records,
                         std::shared_ptr<AuthorizationService> authorization,
                         std::shared_ptr<Metrics> metrics)
      : database_(std::move(database)),
        records_(std::move(records)),
        authorization_(std::move(authorization)),
        metrics_(std::move(metrics)) {}

  absl::StatusOr<Conversation> createConversation(const NewConversation& conversation,
                                                  const WriteOptions& options) override;
  absl::StatusOr<Snapshot<Conversation>> getConversation(const Caller& caller,
                                                         std::string_view conversation_id,
                                                         const ReadOptions& options) override;
  absl::StatusOr<ConversationPage> listConversations(const Caller& caller,
                                                     const ConversationQuery& query,
                                                     const ReadOptions& options) override;
  absl::StatusOr<Message> appendMessage(const Caller& caller, const NewMessage& message,
                                        const WriteOptions& options) override;
  absl::StatusOr<Message> softDeleteMessage(const Caller& caller, std::string_view message_id,
                                            const WriteOptions& options) override;
  absl::StatusOr<std::vector<Message>> getMessages(const Caller& caller,
                                                   std::string_view conversation_id,
                                                   const MessageQuery& query,
                                                   const ReadOptions& options) override;
  absl::StatusOr<Conversation> updateSharing(const Caller& caller, std::string_view conversation_id,
                                             const SharingUpdate& update,
                                             const WriteOptions& options) override;
  absl::StatusOr<Conversation> setArchivedState(const Caller& caller,
                                                std::string_view conversation_id, bool archived,
                                                const WriteOptions& options) override;
  absl::StatusOr<Access> checkAccess(const Caller& caller, std::string_view conversation_id,
                                     ConversationAction action,
                                     const ReadOptions& options) override;
  absl::StatusOr<std::vector<Conversation>> getConversationsNeedingCompaction(
      std::string_view tenant_id, std::int64_t limit, const ReadOptions& options) override;
  absl::Status recordCompaction(std::string_view tenant_id, std::string_view conversation_id,
                                const WriteOptions& options) override;
  Health healthCheck() override { return records_->healthCheck(); }

 private:
  using Tables = ConversationTables;

  // Ok when the caller may. Whoever may not even read hears that there is no such thing.
  absl::StatusOr<Access> decide(const Conversation& conversation, const Caller& caller,
                                ConversationAction action);
  absl::Status authorize(const Snapshot<Conversation>& conversation, const Caller& caller,
                         ConversationAction action, const char* what = "conversation");
  // The conversation for a call that reads, from the cache where there is one.
  absl::StatusOr<Snapshot<Conversation>> find(const Caller& caller, const std::string& id,
                                              const ReadOptions& options);
  absl::StatusOr<Message> append(Tables& tables, const Caller& caller, const NewMessage& from,
                                 Message message);
  absl::StatusOr<Message> markDeleted(Tables& tables, const Caller& caller,
                                      const std::string& message_id);
  // Locks the conversation, lets `change` change it, and stores it where it did.
  template <typename Change>
  absl::StatusOr<Conversation> manage(const StoreOperation& operation, const Caller& caller,
                                      std::string_view conversation_id, const WriteOptions& options,
                                      Change change);

  using Absence = StoreOperation::Absence;
  StoreOperation operation(const char* name, Absence absence = Absence::kPossible) const {
    return {*metrics_, "conversations", name, absence};
  }

  ConversationDatabase database_;
  const std::unique_ptr<Store<Conversation>> records_;
  const std::shared_ptr<AuthorizationService> authorization_;
  const std::shared_ptr<Metrics> metrics_;
  const StoreOperation create_ = operation("create_conversation", Absence::kImpossible);
  const StoreOperation list_ = operation("list_conversations", Absence::kImpossible);
  const StoreOperation append_ = operation("append_message");
  const StoreOperation soft_delete_ = operation("soft_delete_message");
  const StoreOperation get_messages_ = operation("get_messages");
  const StoreOperation update_sharing_ = operation("update_sharing");
  const StoreOperation set_archived_ = operation("set_archived_state");
  const StoreOperation needing_compaction_ =
      operation("get_conversations_needing_compaction", Absence::kImpossible);
  const StoreOperation record_compaction_ = operation("record_compaction");
};

absl::Status RuledConversationStore::authorize(const Snapshot<Conversation>& conversation,
                                               const Caller& caller, ConversationAction action,
                                               const char* what) {
  if (conversation == nullptr) return noSuch(what);
  const auto access = decide(*conversation, caller, action);
  if (!access.ok()) return access.status();
  if (access->allowed) return absl::OkStatus();
  if (action == ConversationAction::kRead) return noSuch(what);
  const auto reading = decide(*conversation, caller, ConversationAction::kRead);
  if (!reading.ok()) return reading.status();
  return reading->allowed ? absl::PermissionDeniedError(access->reason) : noSuch(what);
}

absl::StatusOr<Access> RuledConversationStore::decide(const Conversation& conversation,
                                                      const Caller& caller,
                                                      ConversationAction action) {
  return internal::callOut("authorization", [&]() -> absl::StatusOr<Access> {
    return authorization_->decide(conversation, caller, action);
  });
}

absl::StatusOr<Snapshot<Conversation>> RuledConversationStore::find(const Caller& caller,
                                                                    const std::string& id,
                                                                    const ReadOptions& options) {
  auto found = records_->get({caller.tenant_id, id}, options);
  if (!found.ok()) return found.status();
  absl::Status status = authorize(*found, caller, ConversationAction::kRead);
  if (!status.ok()) return status;
  return found;
}

absl::StatusOr<Conversation> RuledConversationStore::createConversation(
    const NewConversation& from, const WriteOptions& options) {
  Ids ids;
  Conversation conversation = toConversation(from);
  conversation.tenant_id = ids.take(from.tenant_id, "tenant_id");
  conversation.user_id = ids.takeOptional(from.user_id, "user_id");
  const std::optional<std::string> id = ids.takeOptional(from.id, "id");
  if (!ids.ok()) return ids.status();
  const Timestamp now = database_.now();
  conversation.id = id ? *id : newUuid(now);
  conversation.created_at = conversation.updated_at = now;
  const Path main = primaryPathOf(conversation, newUuid(now), now);
  conversation.active_path_id = main.id;
  if (absl::Status status = check(conversation); !status.ok()) return status;
  return database_.write<Conversation>(
      create_, options, [&](Tables& tables) -> absl::StatusOr<Conversation> {
        if (id) {
          const auto existing = tables.conversation(conversation.tenant_id, *id);
          if (!existing.ok()) return existing.status();
          if (*existing != nullptr) return inUse("conversation");
        }
        absl::Status status = tables.insert(conversation);
        if (status.ok()) status = tables.insert(main);
        if (!status.ok()) return status;
        return conversation;
      });
}

absl::StatusOr<Snapshot<Conversation>> RuledConversationStore::getConversation(
    const Caller& caller, std::string_view conversation_id, const ReadOptions& options) {
  Ids ids;
  const Caller asking = take(ids, caller);
  const std::string id = ids.take(conversation_id, "conversation_id");
  if (!ids.ok()) return ids.status();
  return find(asking, id, options);
}

absl::StatusOr<ConversationPage> RuledConversationStore::listConversations(
    const Caller& caller, const ConversationQuery& query, const ReadOptions& options) {
  Ids ids;
  const Caller asking = take(ids, caller);
  if (!ids.ok()) return ids.status();
  if (absl::Status status = checkListLimit(query.limit); !status.ok()) return status;
  // One more than asked for tells whether there is another page.
  ListFilter filter{
      .reader = asking.user_id, .status = query.status, .after = {}, .limit = query.limit + 1};
  if (query.cursor) {
    auto cursor = decodeCursor(*query.cursor);
    if (!cursor.ok()) return cursor.status();
    filter.after = *std::move(cursor);
  }
  auto found = database_.read<std::vector<Conversation>>(
      list_, options, [&](Tables& tables) { return tables.list(asking.tenant_id, filter); });
  if (!found.ok()) return found.status();
  ConversationPage page{.conversations = *std::move(found), .next_cursor = {}};
  const std::size_t count = countOf(page.conversations, filter);
  if (count == page.conversations.size()) return page;
  page.conversations.resize(count);
  const Conversation& last = page.conversations.back();
  page.next_cursor = encodeCursor({.active_at = activeAt(last), .id = last.id});
  return page;
}

absl::StatusOr<Message> RuledConversationStore::appendMessage(const Caller& caller,
                                                              const NewMessage& from,
                                                              const WriteOptions& options) {
  Ids ids;
  const Caller asking = take(ids, caller);
  NewMessage canonical = from;
  canonical.conversation_id = ids.take(from.conversation_id, "conversation_id");
  canonical.path_id = ids.takeOptional(from.path_id, "path_id");
  canonical.id = ids.takeOptional(from.id, "id");
  if (!ids.ok()) return ids.status();
  const Message message = toMessage(canonical);
  if (absl::Status status = check(message); !status.ok()) return status;
  return database_.write<Message>(
      append_, options, [&](Tables& tables) { return append(tables, asking, canonical, message); });
}

absl::StatusOr<Message> RuledConversationStore::append(Tables& tables, const Caller& caller,
                                                       const NewMessage& from, Message message) {
  const auto conversation = tables.lockConversation(caller.tenant_id, from.conversation_id);
  if (!conversation.ok()) return conversation.status();
  if (*conversation == nullptr) return noSuch("conversation");
  if (from.role == MessageRole::kUser) {
    absl::Status allowed = authorize(*conversation, caller, ConversationAction::kWrite);
    if (!allowed.ok()) return allowed;
    message.user_id = caller.user_id;
  }
  const auto path = from.path_id ? pathIn(tables, **conversation, *from.path_id)
                                 : activePathOf(tables, **conversation);
  if (!path.ok()) return path.status();
  if (absl::Status open = checkOpen(*path); !open.ok()) return open;
  if (from.id) {
    const auto existing = tables.message(caller.tenant_id, *from.id);
    if (!existing.ok()) return existing.status();
    if (existing->has_value()) return inUse("message");
  }
  message.created_at = database_.stampAfter(**conversation);
  message.id = from.id ? *from.id : newUuid(message.created_at);
  message.conversation_id = from.conversation_id;
  message.path_id = path->id;
  std::vector<Message> added{std::move(message)};
  if (absl::Status status = tables.append(caller.tenant_id, added); !status.ok()) return status;
  return std::move(added.front());
}

absl::StatusOr<Message> RuledConversationStore::softDeleteMessage(const Caller& caller,
                                                                  std::string_view message_id,
                                                                  const WriteOptions& options) {
  Ids ids;
  const Caller asking = take(ids, caller);
  const std::string id = ids.take(message_id, "message_id");
  if (!ids.ok()) return ids.status();
  return database_.write<Message>(soft_delete_, options,
                                  [&](Tables& tables) { return markDeleted(tables, asking, id); });
}

absl::StatusOr<Message> RuledConversationStore::markDeleted(Tables& tables, const Caller& caller,
                                                            const std::string& message_id) {
  const auto conversation = tables.lockConversationOfMessage(caller.tenant_id, message_id);
  if (!conversation.ok()) return conversation.status();
  absl::Status status = authorize(*conversation, caller, ConversationAction::kWrite, "message");
  if (!status.ok()) return status;
  auto message = found(tables.message(caller.tenant_id, message_id), "message");
  if (!message.ok() || message->deleted_at) return message;
  const Timestamp now = database_.stampAfter(**conversation);
  message->deleted_at = now;
  if (status = checkTexts(*message); !status.ok()) return status;
  status = tables.update(caller.tenant_id, *message);
  if (status.ok()) status = tables.addToMessageCount(caller.tenant_id, message->path_id, -1);
  if (status.ok()) status = touch(tables, **conversation, now);
  if (!status.ok()) return status;
  return message;
}

absl::StatusOr<std::vector<Message>> RuledConversationStore::getMessages(
    const Caller& caller, std::string_view conversation_id, const MessageQuery& query,
    const ReadOptions& options) {
  Ids ids;
  const Caller asking = take(ids, caller);
  const std::string id = ids.take(conversation_id, "conversation_id");
  const std::optional<std::string> path_id = ids.takeOptional(query.path_id, "path_id");
  if (!ids.ok()) return ids.status();
  if (absl::Status status = checkListLimit(query.limit); !status.ok()) return status;
  const auto conversation = find(asking, id, options);
  if (!conversation.ok()) return conversation.status();
  using Messages = std::vector<Message>;
  return database_.read<Messages>(
      get_messages_, options, [&](Tables& tables) -> absl::StatusOr<Messages> {
        if (path_id) {
          const auto path = pathIn(tables, **conversation, *path_id);
          if (!path.ok()) return path.status();
        }
        return tables.newestMessages(asking.tenant_id, id, path_id, query.limit);
      });
}

template <typename Change>
absl::StatusOr<Conversation> RuledConversationStore::manage(const StoreOperation& operation,
                                                            const Caller& caller,
                                                            std::string_view conversation_id,
                                                            const WriteOptions& options,
                                                            Change change) {
  Ids ids;
  const Caller asking = take(ids, caller);
  const std::string id = ids.take(conversation_id, "conversation_id");
  if (!ids.ok()) return ids.status();
  return database_.write<Conversation>(
      operation, options, [&](Tables& tables) -> absl::StatusOr<Conversation> {
        const auto found = tables.lockConversation(asking.tenant_id, id);
        if (!found.ok()) return found.status();
        absl::Status status = authorize(*found, asking, ConversationAction::kManage);
        if (!status.ok()) return status;
        Conversation changed = **found;
        const Timestamp now = database_.stampAfter(**found);
        change(changed, now);
        if (changed == **found) return changed;
        changed.updated_at = now;
        if (status = check(changed); !status.ok()) return status;
        if (status = tables.update(changed); !status.ok()) return status;
        return changed;
      });
}

absl::StatusOr<Conversation> RuledConversationStore::updateSharing(const Caller& caller,
                                                                   std::string_view conversation_id,
                                                                   const SharingUpdate& update,
                                                                   const WriteOptions& options) {
  return manage(update_sharing_, caller, conversation_id, options,
                [&](Conversation& conversation, Timestamp) { apply(update, conversation); });
}

absl::StatusOr<Conversation> RuledConversationStore::setArchivedState(
    const Caller& caller, std::string_view conversation_id, bool archived,
    const WriteOptions& options) {
  return manage(set_archived_, caller, conversation_id, options,
                [&](Conversation& conversation, Timestamp now) {
                  if (archived == conversation.archived_at.has_value()) return;
                  conversation.archived_at = archived ? std::optional(now) : std::nullopt;
                });
}

absl::StatusOr<Access> RuledConversationStore::checkAccess(const Caller& caller,
                                                           std::string_view conversation_id,
                                                           ConversationAction action,
                                                           const ReadOptions& options) {
  Ids ids;
  const Caller asking = take(ids, caller);
  const std::string id = ids.take(conversation_id, "conversation_id");
  if (!ids.ok()) return ids.status();
  const auto found = records_->get({asking.tenant_id, id}, options);
  if (!found.ok()) return found.status();
  if (*found == nullptr) return noSuch("conversation");
  return decide(**found, asking, action);
}

absl::StatusOr<std::vector<Conversation>> RuledConversationStore::getConversationsNeedingCompaction(
    std::string_view tenant_id, std::int64_t limit, const ReadOptions& options) {
  Ids ids;
  const std::string tenant = ids.take(tenant_id, "tenant_id");
  if (!ids.ok()) return ids.status();
  if (absl::Status status = checkListLimit(limit); !status.ok()) return status;
  const Timestamp now = database_.now();
  const CompactionFilter filter{.active_since = now - kActiveWithin,
                                .not_compacted_since = now - kCompactedWithin,
                                .more_messages_than = kMessagesWithoutCompaction,
                                .limit = limit};
  return database_.read<std::vector<Conversation>>(
      needing_compaction_, options,
      [&](Tables& tables) { return tables.needingCompaction(tenant, filter); });
}

absl::Status RuledConversationStore::recordCompaction(std::string_view tenant_id,
                                                      std::string_view conversation_id,
                                                      const WriteOptions& options) {
  const auto asked = recordOfTenant(tenant_id, conversation_id, "conversation_id");
  if (!asked.ok()) return asked.status();
  const auto recorded = database_.write<Conversation>(
      record_compaction_, options, [&](Tables& tables) -> absl::StatusOr<Conversation> {
        auto compacted =
            found(tables.lockConversation(asked->tenant_id, asked->id), "conversation");
        if (!compacted.ok()) return compacted;
        compacted->last_compacted_at = compacted->updated_at = database_.stampAfter(*compacted);
        if (absl::Status status = tables.update(*compacted); !status.ok()) return status;
        return compacted;
      });
  return recorded.status();
}

}  // namespace

std::unique_ptr<ConversationStore> makeConversationStore(
    ConversationDatabase database, std::unique_ptr<Store<Conversation>> records,
    std::shared_ptr<AuthorizationService> authorization, std::shared_ptr<Metrics> metrics) {
  return std::make_unique<RuledConversationStore>(std::move(database), std::move(records),
                                                  std::move(authorization), std::move(metrics));
}

}  // namespace strata::internal
