#include "strata/stores/clarify/reflection_store.h"

#include <optional>
#include <utility>

#include "stores/clarify/clarify_rules.h"
#include "stores/clarify/clarify_stores.h"

namespace strata {
namespace {

constexpr const char* kStore = "reflections";

class RuledReflectionStore final : public ReflectionStore {
 public:
  RuledReflectionStore(std::shared_ptr<ClarifyDatabase> database, std::shared_ptr<Metrics> metrics)
      : database_(std::move(database)), metrics_(std::move(metrics)) {}

  absl::StatusOr<Reflection> create(const Reflection& reflection,
                                    const WriteOptions& options) override {
    Reflection made = reflection;
    made.created_at = database_->now();
    const auto which = recordOfUser(
        made.user_id, reflection.id.empty() ? newUuid(made.created_at) : reflection.id, "id");
    if (!which.ok()) return which.status();
    made.id = which->id;
    absl::Status status = validate(typeInfo<Reflection>(), &made);
    if (!status.ok()) return status;
    return database_->write<Reflection>(
        create_, made.user_id, options, [&](ClarifyTables& tables) -> absl::StatusOr<Reflection> {
          absl::Status inserted = insertNew(tables, tables.reflections(), made, "reflection",
                                            &UserProfile::total_reflections);
          if (!inserted.ok()) return inserted;
          return made;
        });
  }

  absl::StatusOr<std::vector<Reflection>> list(std::string_view user_id, std::int64_t limit,
                                               const ReadOptions& options) override {
    absl::Status status = checkUserId(user_id);
    if (status.ok()) status = checkListLimit(limit);
    if (!status.ok()) return status;
    return database_->read<std::vector<Reflection>>(list_, options, [&](ClarifyTables& tables) {
      return tables.reflections().list(std::string(user_id), std::nullopt, limit);
    });
  }

  Health healthCheck() override { return database_->healthCheck(); }

 private:
  const std::shared_ptr<ClarifyDatabase> database_;
  const std::shared_ptr<Metrics> metrics_;
  const StoreOperation create_{*metrics_, kStore, "create_reflection"};
  const StoreOperation list_{*metrics_, kStore, "list_reflections"};
};

}  // namespace

std::unique_ptr<ReflectionStore> makeReflectionStore(std::shared_ptr<ClarifyDatabase> database,
                                                     std::shared_ptr<Metrics> metrics) {
  return std::make_unique<RuledReflectionStore>(std::move(database), std::move(metrics));
}

}  // namespace strata
