// createValidationCache(backends): a validation cache on whatever is configured.
//
//   auto cache = strata::createValidationCache(*backends);
//
//   a cache server                       there; while it is down, in this process
//   none, or ENABLE_REDIS_CACHING off    in this process
//   ENABLE_AUTH_VALIDATION_CACHE off     nowhere: every call asks
//
// docs/validation_cache.md tells the rest.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/failure_tier.h"
#include "strata/factories/backends.h"
#include "strata/factories/config.h"
#include "strata/validation/tiered_validation_cache.h"
#include "strata/validation/validation_cache.h"

namespace strata {

struct CreateValidationCacheOptions {
  // None: DomainConfig::auth_ttl.
  std::optional<absl::Duration> ttl = std::nullopt;
  // See ValidationCacheOptions.
  std::size_t max_local_entries = 10'000;
  absl::Duration max_asking_time = absl::Seconds(5);
  FailureTier cache_failure_tier = FailureTier::kImportant;
  // When the server counts as down, and when it is asked again; where it is not the one of the
  // backends' stores, whose breaker `connect` was told.
  CircuitBreakerOptions breaker = {.name = "cache"};
};

// One for an application. A server that cannot be reached is logged and no error.
//
// InvalidArgument: the configuration or an option is wrong, or a store of this process has the keys
// of the verdicts. PermissionDenied, FailedPrecondition: as RedisCache::ping.
absl::StatusOr<std::unique_ptr<ValidationCache>> createValidationCache(
    const Backends& backends, const CreateValidationCacheOptions& options = {});
// The same without other backends: no database is connected to.
absl::StatusOr<std::unique_ptr<ValidationCache>> createValidationCache(
    const Config& config, const CreateValidationCacheOptions& options = {});

}  // namespace strata
