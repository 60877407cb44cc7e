#include "strata/stores/clarify/dream_store.h"

#include <algorithm>
#include <utility>

#include "absl/functional/function_ref.h"
#include "stores/base/text_limits.h"
#include "stores/clarify/clarify_rules.h"
#include "stores/clarify/clarify_stores.h"
#include "stores/clarify/user_records.h"

namespace strata::internal {
namespace {

constexpr const char* kStore = "dreams";

absl::Status check(const Dream& dream) {
  absl::Status status = validateRecord(dream);
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
    absl::Status status = records_.identify(made);
    if (status.ok()) status = check(made);
    if (!status.ok()) return status;
    return records_.insert(create_, made, options);
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
    return records_.remove(remove_, user_id, dream_id, options);
  }

  absl::StatusOr<Dream> get(std::string_view user_id, std::string_view dream_id,
                            const ReadOptions& options) override {
    return records_.get(get_, user_id, dream_id, options);
  }

  absl::StatusOr<std::vector<Dream>> list(std::string_view user_id, const DreamQuery& query,
                                          const ReadOptions& options) override {
    return records_.list(list_, user_id, query.status, query.limit, options);
  }

  Health healthCheck() override { return database_->healthCheck(); }

 private:
  absl::StatusOr<Dream> change(const StoreOperation& operation, std::string_view user_id,
                               std::string_view dream_id, const WriteOptions& options,
                               absl::FunctionRef<void(Dream&)> change) {
    return records_.change(operation, user_id, dream_id, options, [&](Dream& dream) {
      const Dream before = dream;
      change(dream);
      if (dream != before) dream.updated_at = std::max(dream.updated_at, database_->now());
      return check(dream);
    });
  }

  const std::shared_ptr<ClarifyDatabase> database_;
  const UserRecords<Dream> records_{*database_};
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

}  // namespace strata::internal
