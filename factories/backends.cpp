#include "strata/factories/backends.h"

#include <algorithm>
#include <utility>

#include "factories/backend_options.h"
#include "factories/cache_server.h"
#include "src/base/starved_wait.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/cache/guarded_cache.h"
#include "strata/cache/lru_cache.h"
#include "strata/cache/null_cache.h"
#include "strata/memory/in_memory_database.h"

namespace strata {
namespace {

bool isServer(CacheProvider provider) {
  return provider == CacheProvider::kRedis || provider == CacheProvider::kUpstash;
}

// Whether stores get a cache. Without a database they live in this process, where a server that
// other processes share would mix their values; the in-process cache is used when asked for by
// name.
bool wantsStoreCache(const Config& config) {
  const CacheProvider provider = config.cacheProvider();
  if (isServer(provider)) return internal::hasCacheServer(config) && !config.database_url.empty();
  return config.cache_provider == CacheProvider::kMemory;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Cache>> createCacheClient(const Config& config, const Clock& clock,
                                                         SecretSource password) {
  if (absl::Status status = validate(config); !status.ok()) return status;
  const CacheProvider provider = config.cacheProvider();
  if (isServer(provider) && !config.enable_redis_caching) return std::make_shared<NullCache>();
  switch (provider) {
    case CacheProvider::kNone:
      return std::make_shared<NullCache>();
    case CacheProvider::kMemory:
      return std::make_shared<LruCache>(LruCacheOptions{}, clock);
    case CacheProvider::kUpstash:
      return UpstashCache::create(internal::upstashOptions(config, password), clock);
    default:
      return RedisCache::create(internal::redisOptions(config, password), clock);
  }
}

absl::StatusOr<Backends> connect(const Config& config, const ConnectOptions& options) {
  if (absl::Status status = validate(config); !status.ok()) return status;
  const absl::Status sources = internal::checkSources(
      config,
      {.database_password = options.database_password, .cache_password = options.cache_password});
  if (!sources.ok()) return sources;
  Backends backends{.config = config,
                    .database = nullptr,
                    .memory = options.memory,
                    .bulkhead = nullptr,
                    .cache = nullptr,
                    .metrics = options.metrics,
                    .clock = options.clock,
                    .executor = options.executor,
                    .database_password = options.database_password,
                    .cache_password = options.cache_password};
  internal::countStarvedWaits(options.metrics);
  if (!config.database_url.empty()) {
    auto pool = PostgresPool::open(internal::databaseOptions(config, options.database_password),
                                   *backends.clock);
    if (!pool.ok()) return annotate(pool.status(), "DATABASE_URL");
    backends.database = *std::move(pool);
    // A place without a connection would only wait elsewhere.
    BulkheadOptions places = options.bulkhead;
    places.max_concurrent = std::min(places.max_concurrent, backends.database->stats().size);
    auto bulkhead = Bulkhead::create(places, *options.clock);
    if (!bulkhead.ok()) return bulkhead.status();
    backends.bulkhead = *std::move(bulkhead);
  }
  if (wantsStoreCache(config)) {
    auto cache = internal::openCache(backends, options.cache_breaker);
    if (!cache.ok()) return cache.status();
    backends.cache = *std::move(cache);
  } else if (isServer(config.cacheProvider()) && config.database_url.empty()) {
    log(Severity::kInfo, "strata.cache.unused",
        {{"why", "without DATABASE_URL stores live in this process and need no cache server"}});
  }
  return backends;
}

Health healthCheck(const Backends& backends) {
  Health health{.component = "backends", .backend = "in-memory"};
  if (backends.database != nullptr) {
    health.backend = "postgres";
    health.children.push_back(backends.database->healthCheck());
  }
  if (backends.cache != nullptr) {
    Health cache = backends.cache->healthCheck();
    if (!cache.healthy()) cache.state = HealthState::kWarn;
    health.children.push_back(std::move(cache));
  }
  for (const Health& child : health.children) {
    health.latency += child.latency;
    if (child.state <= health.state) continue;
    health.state = child.state;
    health.error = child.component + ": " + child.error;
  }
  return health;
}

}  // namespace strata
