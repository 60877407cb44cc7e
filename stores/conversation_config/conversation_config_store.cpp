#include "strata/stores/conversation_config/conversation_config_store.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "stores/base/text_limits.h"
#include "stores/base/uuid.h"

namespace strata {
namespace {

using internal::canonicalUuid;
using Overrides = ConversationConfigOverrides;

// Whom overrides are for, in the form in which it is stored.
struct Scope {
  ConfigLevel level = ConfigLevel::kGlobal;
  std::optional<std::string> tenant_id;
  std::optional<std::string> user_id;
};

absl::StatusOr<Scope> tenantScope(std::string_view tenant_id) {
  auto tenant = canonicalUuid(tenant_id, "tenant_id");
  if (!tenant.ok()) return tenant.status();
  return Scope{ConfigLevel::kTenant, *std::move(tenant), std::nullopt};
}

absl::StatusOr<Scope> userScope(std::string_view tenant_id, std::string_view user_id) {
  auto scope = tenantScope(tenant_id);
  if (!scope.ok()) return scope.status();
  auto user = canonicalUuid(user_id, "user_id");
  if (!user.ok()) return user.status();
  return Scope{ConfigLevel::kUser, std::move(scope->tenant_id), *std::move(user)};
}

Overrides stampedWith(const Scope& scope, Overrides overrides) {
  overrides.level = scope.level;
  overrides.tenant_id = scope.tenant_id;
  overrides.user_id = scope.user_id;
  return overrides;
}

Id idOfScope(const Scope& scope) { return idOf(stampedWith(scope, {})); }

absl::Status checkOverrides(const Overrides& overrides) {
  const std::pair<std::optional<std::int32_t>, const char*> counts[] = {
      {overrides.merge_max_messages, "merge_max_messages"},
      {overrides.path_max_messages, "path_max_messages"},
      {overrides.path_sliding_window_size, "path_sliding_window_size"},
      {overrides.compaction_interval_minutes, "compaction_interval_minutes"}};
  for (const auto& [value, field] : counts) {
    if (value.value_or(1) < 1) {
      return absl::InvalidArgumentError(fmt::format("{} must be at least 1", field));
    }
  }
  const double threshold = overrides.path_compression_threshold.value_or(1);
  if (!(threshold > 0 && threshold <= 1)) {  // a NaN is not
    return absl::InvalidArgumentError("path_compression_threshold must be above 0 and at most 1");
  }
  return internal::checkTexts(overrides);
}

class StoreBackedConversationConfigStore final : public ConversationConfigStore {
 public:
  StoreBackedConversationConfigStore(std::unique_ptr<Store<Overrides>> overrides,
                                     const Clock& clock)
      : overrides_(std::move(overrides)), clock_(clock) {}

  absl::StatusOr<ConversationConfig> getConfig(std::string_view tenant_id,
                                               std::optional<std::string_view> user_id,
                                               const ReadOptions& options) override {
    const auto scope = user_id ? userScope(tenant_id, *user_id) : tenantScope(tenant_id);
    if (!scope.ok()) return scope.status();
    std::vector<Id> ids = {idOfScope({}), *scope->tenant_id};
    if (scope->level == ConfigLevel::kUser) ids.push_back(idOfScope(*scope));
    ReadOptions read = options;
    if (read.min_version > Version()) read.consistency = Consistency::kLatest;
    ConversationConfig config;
    for (const auto& level : overrides_->getMany(ids, read)) {
      if (!level.ok()) return level.status();
      if (*level != nullptr) config = applyOverrides(config, **level);
    }
    return config;
  }

  absl::StatusOr<Snapshot<Overrides>> getGlobalOverrides(const ReadOptions& options) override {
    return get(Scope{}, options);
  }
  absl::StatusOr<Snapshot<Overrides>> getTenantOverrides(std::string_view tenant_id,
                                                         const ReadOptions& options) override {
    return get(tenantScope(tenant_id), options);
  }
  absl::StatusOr<Snapshot<Overrides>> getUserOverrides(std::string_view tenant_id,
                                                       std::string_view user_id,
                                                       const ReadOptions& options) override {
    return get(userScope(tenant_id, user_id), options);
  }

  absl::StatusOr<Version> setGlobalConfig(const Overrides& overrides,
                                          const WriteOptions& options) override {
    return set(Scope{}, overrides, options);
  }
  absl::StatusOr<Version> setTenantConfig(std::string_view tenant_id, const Overrides& overrides,
                                          const WriteOptions& options) override {
    return set(tenantScope(tenant_id), overrides, options);
  }
  absl::StatusOr<Version> setUserConfig(std::string_view tenant_id, std::string_view user_id,
                                        const Overrides& overrides,
                                        const WriteOptions& options) override {
    return set(userScope(tenant_id, user_id), overrides, options);
  }

  absl::StatusOr<Version> deleteGlobalConfig(const WriteOptions& options) override {
    return remove(Scope{}, options);
  }
  absl::StatusOr<Version> deleteTenantConfig(std::string_view tenant_id,
                                             const WriteOptions& options) override {
    return remove(tenantScope(tenant_id), options);
  }
  absl::StatusOr<Version> deleteUserConfig(std::string_view tenant_id, std::string_view user_id,
                                           const WriteOptions& options) override {
    return remove(userScope(tenant_id, user_id), options);
  }

  Health healthCheck() override { return overrides_->healthCheck(); }

 private:
  absl::StatusOr<Snapshot<Overrides>> get(const absl::StatusOr<Scope>& scope,
                                          const ReadOptions& options) {
    if (!scope.ok()) return scope.status();
    return overrides_->get(idOfScope(*scope), options);
  }

  absl::StatusOr<Version> set(const absl::StatusOr<Scope>& scope, const Overrides& overrides,
                              const WriteOptions& options) {
    if (!scope.ok()) return scope.status();
    if (absl::Status status = checkOverrides(overrides); !status.ok()) return status;
    Overrides stamped = stampedWith(*scope, overrides);
    stamped.updated_at = clock_.wallTime();
    return overrides_->put(stamped, options);
  }

  absl::StatusOr<Version> remove(const absl::StatusOr<Scope>& scope, const WriteOptions& options) {
    if (!scope.ok()) return scope.status();
    return overrides_->remove(idOfScope(*scope), options);
  }

  const std::unique_ptr<Store<Overrides>> overrides_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<ConversationConfigStore> makeConversationConfigStore(
    std::unique_ptr<Store<ConversationConfigOverrides>> overrides, const Clock& clock) {
  return std::make_unique<StoreBackedConversationConfigStore>(std::move(overrides), clock);
}

}  // namespace strata
