// createStore<T>(backends): the store of a described type, on whatever is configured.
//
//   neither             InMemoryStore
//   a database          PostgresStore, guarded and coalescing
//   database and cache  CachingStore over that
//
// An in-process cache in front of the in-memory store is built where CACHE_PROVIDER asks for it by
// name, to try the stack without servers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "strata/adapters/postgres/postgres_store.h"
#include "strata/cache/guarded_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/decorators/coalescing_store.h"
#include "strata/decorators/guarded_store.h"
#include "strata/decorators/invalidating_store.h"
#include "strata/decorators/metered_store.h"
#include "strata/factories/backends.h"
#include "strata/memory/in_memory_store.h"
#include "strata/records/entity.h"
#include "strata/store/store.h"

namespace strata {

struct StoreOptions {
  // How long a cached copy lives. See CachingOptions for this and the next three.
  absl::Duration cache_ttl = absl::Seconds(300);
  absl::Duration negative_cache_ttl = absl::ZeroDuration();
  FailureTier cache_failure_tier = FailureTier::kImportant;
  Consistency consistency = Consistency::kSession;
  // Off: nothing is read from the cache. What is written is deleted from it all the same.
  bool enable_cache = true;
  // See CachingOptions.
  std::size_t cache_compress_above_bytes = 0;
  std::size_t cache_max_queued_fills = 0;
  std::size_t cache_max_decoded = 0;
  // How long a call of the database may take whose caller brings no deadline; zero: for ever.
  absl::Duration database_timeout = absl::Seconds(5);
  // Off: every read of the database is a query of its own.
  bool enable_coalescing = true;
  // What happens when the database has no table for T, or one that lacks columns.
  SchemaPolicy schema = SchemaPolicy::kCreateOrExtend;
};

namespace internal {

template <EntityType T>
absl::StatusOr<std::unique_ptr<Store<T>>> createBaseStore(const Backends& backends,
                                                          SchemaPolicy schema) {
  if (backends.database == nullptr)
    return InMemoryStore<T>::create(backends.memory, *backends.clock);
  return PostgresStore<T>::create(backends.database, schema);
}

// Ok, or InvalidArgument: an option is out of range, or the store would share a cache server and
// has no app.
absl::Status checkStore(const Backends& backends, std::string_view store,
                        const StoreOptions& options);

CachingOptions cachingOptions(const Backends& backends, std::string_view store,
                              const StoreOptions& options);

// Deletes what other processes have cached of `entity`.
Invalidator invalidatorOf(const Backends& backends, const EntityInfo& entity);

template <EntityType T>
std::unique_ptr<Store<T>> metered(std::unique_ptr<Store<T>> store, const Backends& backends,
                                  const std::string& layer) {
  if (backends.metrics == Metrics::none()) return store;
  return std::make_unique<MeteredStore<T>>(std::move(store), backends.metrics,
                                           std::string(entityInfo<T>().table), layer,
                                           *backends.clock);
}

template <EntityType T>
absl::StatusOr<std::unique_ptr<Store<T>>> guarded(std::unique_ptr<Store<T>> store,
                                                  const Backends& backends,
                                                  const StoreOptions& options) {
  auto guard = GuardedStore<T>::create(
      std::move(store), backends.bulkhead,
      {.store = std::string(entityInfo<T>().table), .timeout = options.database_timeout},
      backends.metrics, *backends.clock);
  if (!guard.ok()) return guard.status();
  return std::unique_ptr<Store<T>>(*std::move(guard));
}

// What stands over a store that guards its database, or needs no guard: coalescing, the cache, and
// the meter of the whole.
template <EntityType T>
absl::StatusOr<std::unique_ptr<Store<T>>> createStack(std::unique_ptr<Store<T>> store,
                                                      const Backends& backends,
                                                      const StoreOptions& options) {
  const std::string name(entityInfo<T>().table);
  if (backends.database != nullptr && options.enable_coalescing) {
    auto coalescing = CoalescingStore<T>::create(std::move(store), {.store = name},
                                                 backends.metrics, *backends.clock);
    if (!coalescing.ok()) return coalescing.status();
    store = *std::move(coalescing);
  }
  if (backends.cache != nullptr && !options.enable_cache) {
    store = std::make_unique<InvalidatingStore<T>>(std::move(store),
                                                   invalidatorOf(backends, entityInfo<T>()));
  } else if (backends.cache != nullptr) {
    auto cached = CachingStore<T>::create(std::move(store), backends.cache,
                                          cachingOptions(backends, name, options), backends.metrics,
                                          *backends.clock, backends.executor);
    if (!cached.ok()) return cached.status();
    store = *std::move(cached);
  }
  return metered<T>(std::move(store), backends, "store");
}

}  // namespace internal

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
//
// A layer that is off is not built and costs nothing.
//
// InvalidArgument: an option is out of range, or stores are cached on a server and no app is set
// (app.h). FailedPrecondition: the table lacks something and
// `schema` does not allow to add it, or the cache cannot keep `consistency`. Errors of the database
// as in Store<T>.
template <EntityType T>
absl::StatusOr<std::unique_ptr<Store<T>>> createStore(const Backends& backends,
                                                      const StoreOptions& options = {}) {
  absl::Status status = internal::checkStore(backends, entityInfo<T>().table, options);
  if (!status.ok()) return status;
  auto base = internal::createBaseStore<T>(backends, options.schema);
  if (!base.ok()) return base.status();
  std::unique_ptr<Store<T>> store = internal::metered<T>(*std::move(base), backends, "database");
  if (backends.database != nullptr) {
    auto guarded = internal::guarded<T>(std::move(store), backends, options);
    if (!guarded.ok()) return guarded.status();
    store = *std::move(guarded);
  }
  return internal::createStack<T>(std::move(store), backends, options);
}

// The same with backends of its own. For an application with one store.
template <EntityType T>
absl::StatusOr<std::unique_ptr<Store<T>>> createStore(const Config& config,
                                                      const StoreOptions& options = {}) {
  auto backends = connect(config);
  if (!backends.ok()) return backends.status();
  return createStore<T>(*backends, options);
}

}  // namespace strata
