#include "strata/stores/clarify/dream_store.h"

#include <algorithm>
#include <utility>

#include "absl/functional/function_ref.h"
#include "stores/clarify/clarify_rules.h"
#include "stores/clarify/clarify_stores.h"

namespace strata {
namespace {

constexpr const char* kStore = "dreams";
constexpr const char* kDream = "dream";

absl::Status check(const Dream& dream) {
  absl::Status status = validate(typeInfo<Dream>(), &dream);
  if (status.ok()) status = checkLength(dream.title, kMaxDreamTitle, "title");
  if (status.ok() && dream.description) {
    status = checkLength(*dream.description, kMaxDreamDescription, "description");
  }
  return status;
}

void apply(const DreamUpdate& update, Dream& dream) {
  if (update.title) dream.title = *update.title;
  if (update.description) dream.description = *update.description;
  if (update.category) dream.category = *update.category;
}

class RuledDreamStore final : public DreamStore {
 public:
  RuledDreamStore(std::shared_ptr<ClarifyDatabase> database, std::shared_ptr<Metrics> metrics)
      : database_(std::move(database)), metrics_(std::move(metrics)) {}

  absl::StatusOr<Dream> create(const Dream& dream, const WriteOptions& options) override {
    Dream made = dream;
    made.created_at = made.updated_at = database_->now();
    const auto which =
        recordOfUser(dream.user_id, dream.id.empty() ? newUuid(made.created_at) : dream.id, "id");
    if (!which.ok()) return which.status();
    made.id = which->id;
    if (absl::Status status = check(made); !status.ok()) return status;
    return database_->write<Dream>(
        create_, made.user_id, options, [&](ClarifyTables& tables) -> absl::StatusOr<Dream> {
          absl::Status status = insertNew(tables, tables.dreams(), made, kDream);
          if (!status.ok()) return status;
          return made;
        });
  }

  absl::StatusOr<Dream> update(std::string_view user_id, std::string_view dream_id,
                               const DreamUpdate& update, const WriteOptions& options) override {
    return change(update_, user_id, dream_id, options, [&](Dream& dream) { apply(update, dream); });
  }

  absl::StatusOr<Dream> setStatus(std::string_view user_id, std::string_view dream_id,
                                  DreamStatus status, const WriteOptions& options) override {
    return change(set_status_, user_id, dream_id, options,
                  [&](Dream& dream) { dream.status = status; });
  }

  absl::Status remove(std::string_view user_id, std::string_view dream_id,
                      const WriteOptions& options) override {
    const auto which = recordOfUser(user_id, dream_id, "dream_id");
    if (!which.ok()) return which.status();
    return database_
        ->write<bool>(
            remove_, which->user_id, options,
            [&](ClarifyTables& tables) { return removeOfUser(tables.dreams(), *which, kDream); })
        .status();
  }

  absl::StatusOr<Dream> get(std::string_view user_id, std::string_view dream_id,
                            const ReadOptions& options) override {
    const auto which = recordOfUser(user_id, dream_id, "dream_id");
    if (!which.ok()) return which.status();
    return database_->read<Dream>(get_, options, [&](ClarifyTables& tables) {
      return findOfUser(tables.dreams(), *which, kDream);
    });
  }

  absl::StatusOr<std::vector<Dream>> list(std::string_view user_id, const DreamQuery& query,
                                          const ReadOptions& options) override {
    absl::Status status = checkUserId(user_id);
    if (status.ok()) status = checkListLimit(query.limit);
    if (!status.ok()) return status;
    return database_->read<std::vector<Dream>>(list_, options, [&](ClarifyTables& tables) {
      return tables.dreams().list(std::string(user_id), query.status, query.limit);
    });
  }

  Health healthCheck() override { return database_->healthCheck(); }

 private:
  // Nothing is written where nothing changes.
  absl::StatusOr<Dream> change(const StoreOperation& operation, std::string_view user_id,
                               std::string_view dream_id, const WriteOptions& options,
                               absl::FunctionRef<void(Dream&)> change) {
    const auto which = recordOfUser(user_id, dream_id, "dream_id");
    if (!which.ok()) return which.status();
    return database_->write<Dream>(
        operation, which->user_id, options, [&](ClarifyTables& tables) -> absl::StatusOr<Dream> {
          const auto before = lockOfUser(tables.dreams(), *which, kDream);
          if (!before.ok()) return before.status();
          Dream dream = *before;
          change(dream);
          absl::Status status = check(dream);
          if (!status.ok() || dream == *before) return status.ok() ? before : status;
          dream.updated_at = std::max(dream.updated_at, database_->now());
          status = tables.dreams().update(dream);
          if (!status.ok()) return status;
          return dream;
        });
  }

  const std::shared_ptr<ClarifyDatabase> database_;
  const std::shared_ptr<Metrics> metrics_;
  const StoreOperation create_{*metrics_, kStore, "create_dream"};
  const StoreOperation update_{*metrics_, kStore, "update_dream"};
  const StoreOperation set_status_{*metrics_, kStore, "set_dream_status"};
  const StoreOperation remove_{*metrics_, kStore, "remove_dream"};
  const StoreOperation get_{*metrics_, kStore, "get_dream"};
  const StoreOperation list_{*metrics_, kStore, "list_dreams"};
};

}  // namespace

std::unique_ptr<DreamStore> makeDreamStore(std::shared_ptr<ClarifyDatabase> database,
                                           std::shared_ptr<Metrics> metrics) {
  return std::make_unique<RuledDreamStore>(std::move(database), std::move(metrics));
}

}  // namespace strata
