// PolicyStore: the LLM policy of every tenant. Read on every request, written by administrators.
//
//   auto policies = createPolicyStore(config);              // factories/policy_store_factory.h
//   auto policy = (*policies)->getPolicy(tenant);           // null: the tenant has none
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "strata/base/clock.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/store/snapshot.h"
#include "strata/store/store.h"
#include "strata/stores/policy/tenant_llm_policy.h"

namespace strata {

// Thread-safe. Tenants are UUIDs, in either case; InvalidArgument when one is not. Other errors are
// those of Store<T>.
class PolicyStore {
 public:
  virtual ~PolicyStore() = default;

  // The tenant's policy, or null when it has none.
  virtual absl::StatusOr<Snapshot<TenantLlmPolicy>> getPolicy(std::string_view tenant_id,
                                                              const ReadOptions& options = {}) = 0;

  // Replaces the whole policy and stamps `updated_at`. Returns its new version.
  // InvalidArgument: the default model or provider is empty, or a task is empty or named twice.
  virtual absl::StatusOr<Version> setPolicy(const TenantLlmPolicy& policy,
                                            const WriteOptions& options = {}) = 0;

  // Removes the policy; having none is success too.
  virtual absl::StatusOr<Version> deletePolicy(std::string_view tenant_id,
                                               const WriteOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

// A PolicyStore on any Store of policies: a stack from createStore, an InMemoryStore, a mock.
std::unique_ptr<PolicyStore> makePolicyStore(std::unique_ptr<Store<TenantLlmPolicy>> policies,
                                             const Clock& clock = Clock::system());

}  // namespace strata
