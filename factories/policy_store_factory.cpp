#include "strata/factories/policy_store_factory.h"

#include <utility>

#include "factories/domain_backends.h"
#include "strata/factories/store_factory.h"
#include "strata/stores/policy/policy_migrations.h"

namespace strata {

absl::StatusOr<std::unique_ptr<PolicyStore>> createPolicyStore(const Backends& backends,
                                                               const PolicyStoreOptions& options) {
  const absl::Status migrated =
      internal::migrateDomain(backends, policyMigrations(), "the policy store");
  if (!migrated.ok()) return migrated;
  auto policies = internal::createDomainStore<TenantLlmPolicy>(
      backends, {.cache_ttl = backends.config.domain.policy_ttl,
                 .cache_failure_tier = options.cache_failure_tier,
                 .enable_cache = backends.config.domain.enable_policy_cache,
                 .schema = SchemaPolicy::kVerify});
  if (!policies.ok()) return policies.status();
  return makePolicyStore(*std::move(policies), *backends.clock);
}

absl::StatusOr<std::unique_ptr<PolicyStore>> createPolicyStore(const Config& config,
                                                               const PolicyStoreOptions& options) {
  auto backends = connect(config);
  if (!backends.ok()) return backends.status();
  return createPolicyStore(*backends, options);
}

}  // namespace strata
