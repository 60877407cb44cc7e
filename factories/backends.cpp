#include "strata/factories/backends.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "factories/backend_options.h"
#include "factories/cache_server.h"
#include "src/base/starved_wait.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/cache/guarded_cache.h"
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

// A place without a connection would only wait elsewhere.
absl::StatusOr<std::shared_ptr<Bulkhead>> bulkheadOf(const PostgresPool& pool,
                                                     const ConnectOptions& options) {
  const std::size_t connections = pool.stats().size;
  BulkheadOptions places = options.bulkhead;
  if (!places.max_concurrent) places.max_concurrent = connections;
  if (*places.max_concurrent > connections) {
    return absl::InvalidArgumentError(
        fmt::format("bulkhead: max_concurrent is {}, but the pool has {} connections (pool_size)",
                    *places.max_concurrent, connections));
  }
  return Bulkhead::create(places, *options.clock);
}

// They wait for as long as their callers have time.
absl::StatusOr<std::shared_ptr<Bulkhead>> unitsOf(const Bulkhead& bulkhead,
                                                  const ConnectOptions& options) {
  const std::size_t places = bulkhead.places();
  const std::size_t kept_free = std::min(std::max<std::size_t>(1, places / 4), places - 1);
  return Bulkhead::create({.max_concurrent = places - kept_free,
                           .max_queue = bulkhead.options().max_queue,
                           .max_wait = absl::Hours(1)},
                          *options.clock);
}

absl::Status openDatabase(Backends& backends, const ConnectOptions& options) {
  auto pool = PostgresPool::open(
      internal::databaseOptions(backends.config, backends.database_password, options.database),
      *options.clock);
  if (!pool.ok()) return annotate(pool.status(), "DATABASE_URL");
  auto bulkhead = bulkheadOf(**pool, options);
  if (!bulkhead.ok()) return bulkhead.status();
  auto units = unitsOf(**bulkhead, options);
  if (!units.ok()) return units.status();
  backends.database = *std::move(pool);
  backends.bulkhead = *std::move(bulkhead);
  backends.units = *std::move(units);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<Cache>> createCacheClient(const Config& config, const Clock& clock,
                                                         SecretSource password) {
  return internal::cacheClientOf(
      {.config = config, .clock = &clock, .cache_password = std::move(password)},
      {.name = "cache"});
}

absl::StatusOr<Backends> connect(const Config& config, const ConnectOptions& options) {
  if (absl::Status status = validate(config); !status.ok()) return status;
  const internal::SecretSources sources{.database_password = options.database_password != nullptr
                                                                 ? options.database_password
                                                                 : options.database.password,
                                        .cache_password = options.cache_password};
  if (absl::Status status = internal::checkSources(config, sources); !status.ok()) return status;
  Backends backends{.config = config,
                    .database = nullptr,
                    .memory = options.memory,
                    .bulkhead = nullptr,
                    .units = nullptr,
                    .cache = nullptr,
                    .metrics = options.metrics,
                    .clock = options.clock,
                    .executor = options.executor,
                    .database_password = sources.database_password,
                    .cache_password = sources.cache_password};
  internal::countStarvedWaits(options.metrics);
  if (!config.database_url.empty()) {
    if (absl::Status status = openDatabase(backends, options); !status.ok()) return status;
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

bool cacheEnabled(const Backends& backends) {
  return backends.cache != nullptr && backends.config.cacheProvider() != CacheProvider::kNone &&
         (backends.config.enable_redis_caching || !isServer(backends.config.cacheProvider()));
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
