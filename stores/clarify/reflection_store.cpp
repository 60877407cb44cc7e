#include "strata/stores/clarify/reflection_store.h"

#include <optional>
#include <utility>

#include "stores/base/text_limits.h"
#include "stores/clarify/clarify_stores.h"
#include "stores/clarify/user_records.h"

namespace strata::internal {
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
    absl::Status status = records_.identify(made);
    if (status.ok()) status = validateRecord(made);
    if (!status.ok()) return status;
    return records_.insert(create_, made, options, &UserProfile::total_reflections);
  }

  absl::StatusOr<std::vector<Reflection>> list(std::string_view user_id, std::int64_t limit,
                                               const ReadOptions& options) override {
    return records_.list(list_, user_id, std::nullopt, limit, options);
  }

  Health healthCheck() override { return database_->healthCheck(); }

 private:
  const std::shared_ptr<ClarifyDatabase> database_;
  const UserRecords<Reflection> records_{*database_};
  const std::shared_ptr<Metrics> metrics_;
  const StoreOperation create_{*metrics_, kStore, "create_reflection"};
  const StoreOperation list_{*metrics_, kStore, "list_reflections"};
};

}  // namespace

std::unique_ptr<ReflectionStore> makeReflectionStore(std::shared_ptr<ClarifyDatabase> database,
                                                     std::shared_ptr<Metrics> metrics) {
  return std::make_unique<RuledReflectionStore>(std::move(database), std::move(metrics));
}

}  // namespace strata::internal
