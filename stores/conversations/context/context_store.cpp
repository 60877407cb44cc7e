#include "strata/stores/conversations/context/context_store.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "stores/base/arguments.h"
#include "stores/base/ids.h"
#include "stores/base/text_limits.h"
#include "stores/conversations/context/context_tables.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/records/described.h"

namespace strata::internal {
namespace {

constexpr const char* kStore = "conversation_contexts";

absl::Status noConversation() {
  return absl::NotFoundError("there is no such conversation in this tenant");
}

// Appends those of `more` that `ids` has not; whether there were any.
bool unite(std::vector<std::string>& ids, const std::vector<std::string>& more) {
  const std::size_t before = ids.size();
  absl::flat_hash_set<std::string, internal::SeededHash> known(ids.begin(), ids.end());
  for (const std::string& id : more) {
    if (known.insert(id).second) ids.push_back(id);
  }
  return ids.size() > before;
}

absl::Status check(const ConversationContext& context) {
  if (std::ranges::any_of(context.active_node_ids, &std::string::empty)) {
    return absl::InvalidArgumentError("active_node_ids has an empty name");
  }
  return validateRecord(context);
}

class TabledContextStore final : public ContextStore {
 public:
  TabledContextStore(std::unique_ptr<Transactor<ContextTables>> tables,
                     std::shared_ptr<Metrics> metrics)
      : metrics_(std::move(metrics)), tables_(std::move(tables)) {}

  absl::StatusOr<std::optional<ConversationContext>> load(std::string_view tenant_id,
                                                          std::string_view conversation_id,
                                                          const ReadOptions& options) override {
    const auto which = recordOfTenant(tenant_id, conversation_id, "conversation_id");
    if (!which.ok()) return which.status();
    return tables_->read<std::optional<ConversationContext>>(
        load_, options,
        [&](ContextTables& tables) { return tables.find(which->tenant_id, which->id); });
  }

  absl::StatusOr<ConversationContext> save(std::string_view tenant_id,
                                           const ConversationContext& context,
                                           const WriteOptions& options) override {
    ConversationContext saved = context;
    saved.active_node_ids.clear();
    unite(saved.active_node_ids, context.active_node_ids);
    absl::Status status = moveInto(saved, tenant_id);
    if (status.ok()) status = check(saved);
    if (!status.ok()) return status;
    return tables_->write<ConversationContext>(
        save_, options, [&](ContextTables& tables) { return replace(tables, saved); });
  }

  absl::StatusOr<ConversationContext> mergeActiveNodeIds(std::string_view tenant_id,
                                                         std::string_view conversation_id,
                                                         const std::vector<std::string>& node_ids,
                                                         const WriteOptions& options) override {
    const auto which = recordOfTenant(tenant_id, conversation_id, "conversation_id");
    if (!which.ok()) return which.status();
    absl::Status status = check({.active_node_ids = node_ids});
    if (!status.ok()) return status;
    return tables_->write<ConversationContext>(
        merge_, options, [&](ContextTables& tables) { return merge(tables, *which, node_ids); });
  }

  Health healthCheck() override { return tables_->healthCheck(); }

 private:
  // Makes `context` one of this tenant.
  static absl::Status moveInto(ConversationContext& context, std::string_view tenant_id) {
    Ids ids;
    const std::string named =
        ids.take(context.tenant_id.empty() ? tenant_id : context.tenant_id, "tenant_id");
    context.tenant_id = ids.take(tenant_id, "tenant_id");
    context.conversation_id = ids.take(context.conversation_id, "conversation_id");
    if (!ids.ok()) return ids.status();
    return named == context.tenant_id ? absl::OkStatus() : noConversation();
  }

  // Its time never runs backwards, whatever the clocks of hosts say.
  Timestamp stampAfter(Timestamp before) const { return std::max(before, tables_->now()); }

  // What is stored, with the conversation locked.
  static absl::StatusOr<std::optional<ConversationContext>> lock(
      ContextTables& tables, const std::string& tenant_id, const std::string& conversation_id) {
    const auto locked = tables.lockConversation(tenant_id, conversation_id);
    if (!locked.ok()) return locked.status();
    if (!*locked) return noConversation();
    return tables.find(tenant_id, conversation_id);
  }

  absl::StatusOr<ConversationContext> replace(ContextTables& tables,
                                              ConversationContext context) const {
    const auto before = lock(tables, context.tenant_id, context.conversation_id);
    if (!before.ok()) return before.status();
    context.updated_at = stampAfter(*before ? (*before)->updated_at : kMinTimestamp);
    return put(tables, std::move(context));
  }

  absl::StatusOr<ConversationContext> merge(ContextTables& tables, const RecordOfTenant& which,
                                            const std::vector<std::string>& node_ids) const {
    auto before = lock(tables, which.tenant_id, which.id);
    if (!before.ok()) return before.status();
    const bool is_new = !before->has_value();
    ConversationContext merged =
        is_new ? ConversationContext{.conversation_id = which.id, .tenant_id = which.tenant_id}
               : **std::move(before);
    if (!unite(merged.active_node_ids, node_ids) && !is_new) return merged;
    if (absl::Status status = checkTexts(merged); !status.ok()) return status;
    merged.updated_at = stampAfter(is_new ? kMinTimestamp : merged.updated_at);
    return put(tables, std::move(merged));
  }

  static absl::StatusOr<ConversationContext> put(ContextTables& tables,
                                                 ConversationContext context) {
    if (absl::Status status = tables.put(context); !status.ok()) return status;
    return context;
  }

  const std::shared_ptr<Metrics> metrics_;
  const std::unique_ptr<Transactor<ContextTables>> tables_;
  const StoreOperation load_{*metrics_, kStore, "load"};
  const StoreOperation save_{*metrics_, kStore, "save"};
  const StoreOperation merge_{*metrics_, kStore, "merge_active_node_ids"};
};

}  // namespace

std::unique_ptr<ContextStore> makeContextStore(std::unique_ptr<Transactor<ContextTables>> tables,
                                               std::shared_ptr<Metrics> metrics) {
  return std::make_unique<TabledContextStore>(std::move(tables), std::move(metrics));
}

}  // namespace strata::internal
