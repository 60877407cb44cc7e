#include "strata/factories/store_factory.h"

#include <optional>
#include <string>
#include <utility>

#include "adapters/postgres/schema/database_identity.h"
#include "factories/cache_server.h"
#include "factories/key_claims.h"
#include "factories/record_stack.h"
#include "src/decorators/invalidating_store.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/adapters/postgres/postgres_store.h"
#include "strata/base/logging.h"
#include "strata/cache/guarded_cache.h"
#include "strata/decorators/bulkhead.h"
#include "strata/decorators/caching_store.h"
#include "strata/decorators/coalescing_store.h"
#include "strata/decorators/guarded_store.h"
#include "strata/decorators/metered_store.h"
#include "strata/factories/app.h"
#include "strata/memory/in_memory_store.h"

namespace strata::internal {
namespace {

using Made = absl::StatusOr<std::unique_ptr<AnyStore>>;
using Stacked = absl::StatusOr<StackedRecords>;

std::string nameOf(const EntityInfo& entity) { return std::string(entity.table); }

CachingOptions cachingOptions(const Backends& backends, const EntityInfo& entity,
                              const StoreOptions& options) {
  return {.store = nameOf(entity),
          .app = appOf(backends.config),
          .ttl = options.cache_ttl,
          .negative_ttl = options.negative_cache_ttl,
          .compress_above_bytes = options.cache_compress_above_bytes,
          .max_queued_fills = options.cache_max_queued_fills,
          .max_decoded = options.cache_max_decoded,
          .failure_tier = options.cache_failure_tier,
          .consistency = options.consistency};
}

std::unique_ptr<AnyStore> metered(std::unique_ptr<AnyStore> store, const Backends& backends,
                                  const EntityInfo& entity, const std::string& layer) {
  if (backends.metrics == Metrics::none()) return store;
  return createMeteredRecords(std::move(store), backends.metrics, nameOf(entity), layer,
                              *backends.clock);
}

Made coalesced(std::unique_ptr<AnyStore> store, const Backends& backends, const EntityInfo& entity,
               const StoreOptions& options) {
  if (backends.database == nullptr || !options.enable_coalescing) return store;
  return createCoalescingRecords(std::move(store), {.store = nameOf(entity)}, backends.metrics,
                                 *backends.clock);
}

// None: the copies of this database cannot be told from those of another.
absl::StatusOr<std::optional<std::string>> databaseOf(const Backends& backends,
                                                      const EntityInfo& entity,
                                                      const StoreOptions& options) {
  if (backends.database == nullptr) return std::string();
  return postgres::databaseIdentity(backends.database->internals(), entity.table,
                                    options.schema == SchemaPolicy::kCreateOrExtend);
}

Made invalidating(std::unique_ptr<AnyStore> store, const Backends& backends,
                  const EntityInfo& entity) {
  return createInvalidatingRecords(std::move(store), entity, invalidatorOf(backends, entity));
}

Made cached(std::unique_ptr<AnyStore> store, const Backends& backends, const EntityInfo& entity,
            const StoreOptions& options) {
  if (backends.cache == nullptr) return store;
  if (!options.enable_cache) return invalidating(std::move(store), backends, entity);
  auto database = databaseOf(backends, entity, options);
  if (!database.ok()) return database.status();
  if (!*database) {
    log(Severity::kWarning, "strata.cache.not_read",
        {{"store", nameOf(entity)},
         {"why",
          "the role may neither make or read the table strata_identity nor call"
          " pg_control_system()"}});
    return invalidating(std::move(store), backends, entity);
  }
  CachingOptions caching = cachingOptions(backends, entity, options);
  caching.database = **std::move(database);
  return createCachingRecords(std::move(store), backends.cache, entity, std::move(caching),
                              backends.metrics, *backends.clock, backends.executor);
}

Made guardedPostgres(const Backends& backends, const EntityInfo& entity,
                     const StoreOptions& options) {
  auto rows = createPostgresRecords(backends.database, entity, options.schema);
  if (!rows.ok()) return rows;
  return createGuardedRecords(metered(*std::move(rows), backends, entity, "database"),
                              backends.bulkhead,
                              {.store = nameOf(entity), .timeout = options.database_timeout},
                              backends.metrics, *backends.clock);
}

Made inMemory(const Backends& backends, const EntityInfo& entity) {
  auto rows = createInMemoryRecords(backends.memory, entity, *backends.clock);
  if (!rows.ok()) return rows;
  return metered(*std::move(rows), backends, entity, "database");
}

// Ok, or InvalidArgument: an option is out of range, or the store would share a cache server and
// has no app.
absl::Status checkStore(const Backends& backends, const EntityInfo& entity,
                        const StoreOptions& options) {
  if (backends.cache != nullptr && hasCacheServer(backends.config)) {
    absl::Status app = requireApp(backends.config, "store " + nameOf(entity));
    if (!app.ok()) return app;
  }
  return validate(cachingOptions(backends, entity, options));
}

}  // namespace

Invalidator invalidatorOf(const Backends& backends, const EntityInfo& entity) {
  return {GuardedCache::over(backends.cache, backends.metrics, *backends.clock, backends.executor),
          entity, nameOf(entity), appOf(backends.config), backends.metrics};
}

// The stack, from the database outwards. The order, and why:
//
//   MeteredStore "store"     outermost, so that it times what the caller waits for
//   (near cache)             above the cache: a decoded object in process spares the round trip
//   CachingStore             above everything that protects the database: a hit must not queue.
//                            Where caching is off and there is a cache: an InvalidatingStore,
//                            because other processes may read that cache
//   CoalescingStore          above the guard: a crowd that shares a query takes one place
//   GuardedStore             right above what it guards; each attempt is one call of the database
//   MeteredStore "database"  right above the database, so that it counts what really reaches it
//   PostgresStore
//
// A store in memory has neither guard nor coalescing: it answers sooner than either.
Stacked createRecords(const Backends& backends, const EntityInfo& entity,
                      const StoreOptions& options) {
  absl::Status status = checkStore(backends, entity, options);
  if (!status.ok()) return status;
  // Before the table is touched, which is another's work if the keys are.
  const auto claim = claimKeys(appOf(backends.config), entity);
  if (!claim.ok()) return claim.status();
  auto rows = backends.database == nullptr ? inMemory(backends, entity)
                                           : guardedPostgres(backends, entity, options);
  if (!rows.ok()) return rows.status();
  return stackOver(*std::move(rows), backends, entity, options);
}

Stacked stackOver(std::unique_ptr<AnyStore> store, const Backends& backends,
                  const EntityInfo& entity, const StoreOptions& options) {
  auto claim = claimKeys(appOf(backends.config), entity);
  if (!claim.ok()) return claim.status();
  Made made = coalesced(std::move(store), backends, entity, options);
  if (made.ok()) made = cached(*std::move(made), backends, entity, options);
  if (!made.ok()) return made.status();
  return StackedRecords{metered(*std::move(made), backends, entity, "store"), *std::move(claim)};
}

}  // namespace strata::internal
