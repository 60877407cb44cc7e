#include "factories/cache_server.h"

#include <string>
#include <utility>

#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

bool hasServer(const Config& config) {
  const CacheProvider provider = config.cacheProvider();
  return config.enable_redis_caching &&
         (provider == CacheProvider::kRedis || provider == CacheProvider::kUpstash);
}

}  // namespace

absl::StatusOr<std::shared_ptr<GuardedCache>> cacheServerOf(const Backends& backends,
                                                            const CircuitBreakerOptions& breaker) {
  const Config& config = backends.config;
  if (absl::Status valid = validate(config); !valid.ok()) return valid;
  if (!hasServer(config)) return nullptr;
  if (auto shared = std::dynamic_pointer_cast<GuardedCache>(backends.cache)) return shared;
  auto client = createCacheClient(config, *backends.clock);
  if (!client.ok()) return client.status();
  const absl::Status met = (*client)->ping();
  if (absl::IsPermissionDenied(met) || absl::IsInvalidArgument(met) ||
      absl::IsFailedPrecondition(met)) {
    return annotate(met, "REDIS_URL");
  }
  if (!met.ok()) {
    log(Severity::kWarning, "strata.cache.unavailable_at_start", {{"error", describe(met)}});
  }
  return GuardedCache::create(*std::move(client),
                              {.breaker = breaker,
                               .epoch_key = config.app + ":epoch",
                               .backend = std::string(toString(config.cacheProvider()))},
                              backends.metrics, *backends.clock, backends.executor);
}

}  // namespace strata::internal
