#include "strata/stores/policy/policy_resolution.h"

#include <algorithm>

namespace strata {
namespace {

const UserPolicy* findUser(const TenantLlmPolicy& policy, const std::string& user_id) {
  const auto found = policy.user_policies.find(user_id);
  return found == policy.user_policies.end() ? nullptr : &found->second;
}

EgressMode resolveEgress(const TenantLlmPolicy& policy, const PolicyRequest& request,
                         EgressMode base_mode) {
  const UserPolicy* user = findUser(policy, request.user_id);
  const bool tenant_permits_off = policy.allow_off_mode.value_or(false);
  const bool off_is_permitted =
      user == nullptr ? tenant_permits_off : user->allow_off_mode.value_or(tenant_permits_off);
  EgressMode mode = base_mode;
  for (const auto& level : {policy.egress_mode, user != nullptr ? user->egress_mode : std::nullopt,
                            request.egress_mode}) {
    if (level && (*level != EgressMode::kOff || off_is_permitted)) mode = *level;
  }
  return mode;
}

}  // namespace

absl::StatusOr<ResolvedPolicy> resolvePolicy(const TenantLlmPolicy& policy,
                                             const PolicyRequest& request, EgressMode base_mode) {
  ResolvedPolicy resolved{.model = policy.default_model, .provider = policy.default_provider};
  const auto task = std::find_if(policy.tasks.begin(), policy.tasks.end(),
                                 [&](const TaskPolicy& t) { return t.task == request.task; });
  if (task != policy.tasks.end()) {
    resolved.model = task->model;
    resolved.provider = task->provider;
    resolved.temperature = task->temperature;
    resolved.max_tokens = task->max_tokens;
  }
  resolved.model = request.model.value_or(resolved.model);
  resolved.provider = request.provider.value_or(resolved.provider);
  if (!policy.allow_remote_egress && resolved.provider != kLocalProvider) {
    return absl::FailedPreconditionError(
        "the tenant's policy forbids remote egress: only the provider \"local\" may be used");
  }
  resolved.egress_mode = resolveEgress(policy, request, base_mode);
  return resolved;
}

}  // namespace strata
