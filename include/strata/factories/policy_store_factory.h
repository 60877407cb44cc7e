// createPolicyStore(config): the LLM policy store on whatever is configured.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/base/failure_tier.h"
#include "strata/factories/backends.h"
#include "strata/stores/policy/policy_store.h"

namespace strata {

struct PolicyStoreOptions {
  // kCritical: a policy that the cache does not answer is an error. Otherwise the database answers.
  FailureTier cache_failure_tier = FailureTier::kImportant;
};

// Applies the migrations of the policy store that the database lacks, then builds the stack of
// createStore<TenantLlmPolicy>. Cached for DomainConfig::policy_ttl; ENABLE_LLM_POLICY_CACHE
// switches the cache off for this store alone.
//
// Errors are those of `connect` and `createStore`. FailedPrecondition also: a migration that was
// applied before has another text now.
absl::StatusOr<std::unique_ptr<PolicyStore>> createPolicyStore(
    const Backends& backends, const PolicyStoreOptions& options = {});
absl::StatusOr<std::unique_ptr<PolicyStore>> createPolicyStore(
    const Config& config, const PolicyStoreOptions& options = {});

}  // namespace strata
