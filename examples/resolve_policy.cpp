// What a back end does on every LLM request: take the tenant's policy and resolve it.
#include <iostream>

#include "strata/factories/policy_store_factory.h"
#include "strata/stores/policy/policy_resolution.h"
#include "strata/strata.h"

absl::StatusOr<strata::ResolvedPolicy> policyFor(strata::PolicyStore& policies,
                                                 const std::string& tenant,
                                                 const std::string& task) {
  auto policy =
      policies.getPolicy(tenant, {.deadline = strata::Deadline::in(absl::Milliseconds(200))});
  if (!policy.ok()) return policy.status();
  if (*policy == nullptr) return absl::NotFoundError("the tenant has no LLM policy");
  return strata::resolvePolicy(**policy, {.task = task});
}

absl::Status run() {
  auto config = strata::configFromEnv();
  if (!config.ok()) return config.status();
  auto policies = strata::createPolicyStore(*config);
  if (!policies.ok()) return policies.status();

  const std::string tenant = "6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11";
  auto version = (*policies)->setPolicy(
      {.tenant_id = tenant,
       .default_model = "llama-8b",
       .default_provider = "local",
       .tasks = {
           {.task = "summarise", .model = "qwen-14b", .provider = "local", .temperature = 0.2}}});
  if (!version.ok()) return version.status();

  auto resolved = policyFor(**policies, tenant, "summarise");
  if (!resolved.ok()) return resolved.status();
  std::cout << "summarise with " << resolved->model << " of " << resolved->provider << "\n";
  return absl::OkStatus();
}

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
