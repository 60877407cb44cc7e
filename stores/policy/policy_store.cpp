#include "strata/stores/policy/policy_store.h"

#include <set>
#include <string>
#include <utility>

#include "stores/base/text_limits.h"
#include "stores/base/uuid.h"

namespace strata {
namespace {

using internal::canonicalUuid;

absl::Status checkPolicy(const TenantLlmPolicy& policy) {
  if (policy.default_model.empty() || policy.default_provider.empty()) {
    return absl::InvalidArgumentError("a policy needs a default_model and a default_provider");
  }
  std::set<std::string_view> tasks;
  for (const TaskPolicy& task : policy.tasks) {
    if (task.task.empty() || !tasks.insert(task.task).second) {
      return absl::InvalidArgumentError("the tasks of a policy must have names, each its own");
    }
  }
  return internal::checkTexts(policy);
}

class StoreBackedPolicyStore final : public PolicyStore {
 public:
  StoreBackedPolicyStore(std::unique_ptr<Store<TenantLlmPolicy>> policies, const Clock& clock)
      : policies_(std::move(policies)), clock_(clock) {}

  absl::StatusOr<Snapshot<TenantLlmPolicy>> getPolicy(std::string_view tenant_id,
                                                      const ReadOptions& options) override {
    const auto tenant = canonicalUuid(tenant_id, "tenant_id");
    if (!tenant.ok()) return tenant.status();
    return policies_->get(*tenant, options);
  }

  absl::StatusOr<Version> setPolicy(const TenantLlmPolicy& policy,
                                    const WriteOptions& options) override {
    auto tenant = canonicalUuid(policy.tenant_id, "tenant_id");
    if (!tenant.ok()) return tenant.status();
    if (absl::Status status = checkPolicy(policy); !status.ok()) return status;
    TenantLlmPolicy stamped = policy;
    stamped.tenant_id = *std::move(tenant);
    stamped.updated_at = clock_.wallTime();
    return policies_->put(stamped, options);
  }

  absl::StatusOr<Version> deletePolicy(std::string_view tenant_id,
                                       const WriteOptions& options) override {
    const auto tenant = canonicalUuid(tenant_id, "tenant_id");
    if (!tenant.ok()) return tenant.status();
    return policies_->remove(*tenant, options);
  }

  Health healthCheck() override { return policies_->healthCheck(); }

 private:
  const std::unique_ptr<Store<TenantLlmPolicy>> policies_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<PolicyStore> makePolicyStore(std::unique_ptr<Store<TenantLlmPolicy>> policies,
                                             const Clock& clock) {
  return std::make_unique<StoreBackedPolicyStore>(std::move(policies), clock);
}

}  // namespace strata
