#include "factories/cache_server.h"

#include <string>
#include <utility>

#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/factories/app.h"

namespace strata::internal {
namespace {

// A wrong password is a mistake to be told at once; a server that is down is not.
absl::Status probe(Cache& cache) {
  const absl::Status status = cache.ping();
  if (absl::IsPermissionDenied(status) || absl::IsInvalidArgument(status) ||
      absl::IsFailedPrecondition(status)) {
    return annotate(status, "REDIS_URL");
  }
  if (!status.ok()) {
    log(Severity::kWarning, "strata.cache.unavailable_at_start", {{"error", describe(status)}});
  }
  return absl::OkStatus();
}

}  // namespace

bool hasCacheServer(const Config& config) {
  const CacheProvider provider = config.cacheProvider();
  return config.enable_redis_caching &&
         (provider == CacheProvider::kRedis || provider == CacheProvider::kUpstash);
}

absl::StatusOr<std::shared_ptr<GuardedCache>> openCache(const Backends& backends,
                                                        const CircuitBreakerOptions& breaker) {
  const Config& config = backends.config;
  auto client = createCacheClient(config, *backends.clock, backends.cache_password);
  if (!client.ok()) return client.status();
  if (absl::Status status = probe(**client); !status.ok()) return status;
  return GuardedCache::create(*std::move(client),
                              {.breaker = breaker,
                               .epoch_key = appOf(config) + ":epoch",
                               .backend = std::string(toString(config.cacheProvider()))},
                              backends.metrics, *backends.clock, backends.executor);
}

absl::StatusOr<std::shared_ptr<GuardedCache>> cacheServerOf(const Backends& backends,
                                                            const CircuitBreakerOptions& breaker) {
  const Config& config = backends.config;
  if (absl::Status valid = validate(config); !valid.ok()) return valid;
  if (!hasCacheServer(config)) return nullptr;
  if (backends.cache != nullptr) return backends.cache;
  return openCache(backends, breaker);
}

}  // namespace strata::internal
