#include "strata/factories/validation_cache_factory.h"

#include <string>
#include <utility>

#include "factories/cache_server.h"
#include "strata/factories/app.h"

namespace strata {

absl::StatusOr<std::unique_ptr<ValidationCache>> createValidationCache(
    const Backends& backends, const CreateValidationCacheOptions& options) {
  auto server = internal::cacheServerOf(backends, options.breaker);
  if (!server.ok()) return server.status();
  const Config& config = backends.config;
  return TieredValidationCache::create(*std::move(server),
                                       {.app = appOf(config),
                                        .ttl = options.ttl.value_or(config.domain.auth_ttl),
                                        .enabled = config.domain.enable_auth_validation_cache,
                                        .max_local_entries = options.max_local_entries,
                                        .max_asking_time = options.max_asking_time,
                                        .backend = std::string(toString(config.cacheProvider()))},
                                       backends.metrics, *backends.clock, backends.executor);
}

absl::StatusOr<std::unique_ptr<ValidationCache>> createValidationCache(
    const Config& config, const CreateValidationCacheOptions& options) {
  return createValidationCache(Backends{.config = config}, options);
}

}  // namespace strata
