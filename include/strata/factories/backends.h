// Backends: the pools and clients of one application, made once and shared by all its stores.
//
//   auto config = strata::configFromEnv();
//   auto backends = strata::connect(*config);
//   auto flags = strata::createStore<FeatureFlag>(*backends);
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/base/circuit_breaker.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/health.h"
#include "strata/base/metrics.h"
#include "strata/base/secret_source.h"
#include "strata/cache/cache.h"
#include "strata/cache/guarded_cache.h"
#include "strata/decorators/bulkhead.h"
#include "strata/factories/config.h"
#include "strata/memory/in_memory_database.h"

namespace strata {

// Copying shares. Stores keep what they use of it alive.
struct Backends {
  Config config;
  // Null without DATABASE_URL: stores are then kept in `memory`.
  std::shared_ptr<PostgresPool> database;
  std::shared_ptr<InMemoryDatabase> memory;
  // How many calls of the database go on at once; null without one.
  std::shared_ptr<Bulkhead> bulkhead;
  // How many units of work are open at once: of n calls n − max(1, n/4), and one of one, so that
  // those who talk to users while a unit is open leave connections to everybody else.
  std::shared_ptr<Bulkhead> units;
  // The cache in front of the stores' database; cache->breaker() is its circuit breaker. Null: there
  // is none.
  std::shared_ptr<GuardedCache> cache;
  std::shared_ptr<Metrics> metrics = Metrics::none();
  const Clock* clock = &Clock::system();
  std::shared_ptr<Executor> executor = Executor::shared();
  // As in ConnectOptions.
  SecretSource database_password = nullptr;
  SecretSource cache_password = nullptr;
};

struct ConnectOptions {
  // What every component counts into.
  std::shared_ptr<Metrics> metrics = Metrics::none();
  // Must outlive every store.
  const Clock* clock = &Clock::system();
  // Where stores live without a database: by default one for the whole process.
  std::shared_ptr<InMemoryDatabase> memory = InMemoryDatabase::shared();
  // Where work runs that no caller waits for.
  std::shared_ptr<Executor> executor = Executor::shared();
  // The pool of the database. Its URLs are the configuration's, whatever is said of them here.
  PostgresOptions database;
  // How many calls of the database go on at once, by default as many as the pool has connections,
  // and how many wait for a place.
  BulkheadOptions bulkhead;
  // When the cache counts as down, and when it is asked again.
  CircuitBreakerOptions cache_breaker = {.name = "cache"};
  // Where the passwords come from, instead of the configuration, if they change while the program
  // runs: called for each new connection, and again when a server refuses what they returned. That
  // of the cache is called while a caller waits, so it should answer within the connect_timeout of
  // the cache; that of the database on a thread of the pool's. The token of a REST cache is asked
  // for once, and again when it is refused.
  SecretSource database_password = nullptr;
  SecretSource cache_password = nullptr;
};

// Connects to what `config` names.
//
// InvalidArgument: the configuration is wrong or contradicts itself, an option of the pool is out
// of its range, or the bulkhead has more places than the pool has connections. PermissionDenied:
// the database or the cache refused the credentials. Unavailable, DeadlineExceeded: the database
// cannot be reached. A cache that cannot be reached is logged and no error: it is used once it is
// back.
absl::StatusOr<Backends> connect(const Config& config, const ConnectOptions& options = {});

// The cache that `config` names: a Redis client for redis://, rediss://, unix://, redis+sentinel://
// and redis+cluster://, a REST client for https://, the in-process LRU when there is no URL, a
// cache that keeps nothing for the provider "none" and for a server that the kill switch turns off.
// Does not connect yet. `password`, if any, is ConnectOptions::cache_password.
//
// InvalidArgument: as above.
absl::StatusOr<std::shared_ptr<Cache>> createCacheClient(const Config& config,
                                                         const Clock& clock = Clock::system(),
                                                         SecretSource password = nullptr);

// Whether stores of these backends have a cache: one is configured and the kill switch is off.
// Whether it is used at this moment is what its circuit breaker says.
bool cacheEnabled(const Backends& backends);

// The health of the backends themselves: component "backends", with the database and the cache as
// children. Without the database it fails, without the cache it warns.
Health healthCheck(const Backends& backends);

}  // namespace strata
