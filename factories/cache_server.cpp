#include "factories/cache_server.h"

#include <string>
#include <utility>

#include "factories/backend_options.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/cache/lru_cache.h"
#include "strata/cache/null_cache.h"
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

absl::StatusOr<std::shared_ptr<Cache>> cacheClientOf(const Backends& backends,
                                                     const CircuitBreakerOptions& node_breaker) {
  const Config& config = backends.config;
  if (absl::Status status = validate(config); !status.ok()) return status;
  const CacheProvider provider = config.cacheProvider();
  const bool is_server = provider == CacheProvider::kRedis || provider == CacheProvider::kUpstash;
  if (is_server && !config.enable_redis_caching) return std::make_shared<NullCache>();
  switch (provider) {
    case CacheProvider::kNone:
      return std::make_shared<NullCache>();
    case CacheProvider::kMemory:
      return std::make_shared<LruCache>(LruCacheOptions{}, *backends.clock);
    case CacheProvider::kUpstash:
      return UpstashCache::create(upstashOptions(config, backends.cache_password), *backends.clock);
    default:
      return RedisCache::create(
          redisOptions(config, backends.cache_password, appOf(config) + ":health", node_breaker),
          *backends.clock, backends.metrics, backends.executor);
  }
}

absl::StatusOr<std::shared_ptr<GuardedCache>> openCache(const Backends& backends,
                                                        const CircuitBreakerOptions& breaker) {
  const Config& config = backends.config;
  if (absl::Status valid = validate(breaker); !valid.ok()) return valid;
  auto client = cacheClientOf(backends, breaker);
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
