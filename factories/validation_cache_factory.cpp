#include "strata/factories/validation_cache_factory.h"

#include <memory>
#include <string>
#include <utility>

#include "factories/cache_server.h"
#include "factories/key_claims.h"
#include "strata/factories/app.h"

namespace strata {
namespace {

// The same cache, which keeps the claim for as long as it is used.
std::shared_ptr<GuardedCache> holding(internal::KeyClaim claim,
                                      std::shared_ptr<GuardedCache> cache) {
  if (cache == nullptr) return nullptr;
  GuardedCache* const held = cache.get();
  return {std::make_shared<std::pair<internal::KeyClaim, std::shared_ptr<GuardedCache>>>(
              std::move(claim), std::move(cache)),
          held};
}

}  // namespace

absl::StatusOr<std::unique_ptr<ValidationCache>> createValidationCache(
    const Backends& backends, const CreateValidationCacheOptions& options) {
  auto server = internal::cacheServerOf(backends, options.breaker);
  if (!server.ok()) return server.status();
  const Config& config = backends.config;
  auto claim = internal::claimKeys(appOf(config), entityInfo<CachedValidation>());
  if (!claim.ok()) return claim.status();
  return TieredValidationCache::create(holding(*std::move(claim), *std::move(server)),
                                       {.app = appOf(config),
                                        .ttl = options.ttl.value_or(config.domain.auth_ttl),
                                        .enabled = config.domain.enable_auth_validation_cache,
                                        .max_local_entries = options.max_local_entries,
                                        .max_asking_time = options.max_asking_time,
                                        .cache_failure_tier = options.cache_failure_tier,
                                        .backend = std::string(toString(config.cacheProvider()))},
                                       backends.metrics, *backends.clock, backends.executor);
}

absl::StatusOr<std::unique_ptr<ValidationCache>> createValidationCache(
    const Config& config, const CreateValidationCacheOptions& options) {
  return createValidationCache(Backends{.config = config}, options);
}

}  // namespace strata
