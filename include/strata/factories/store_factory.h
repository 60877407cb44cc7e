// createStore<T>(backends): the store of a described type, on whatever is configured.
//
//   neither             InMemoryStore
//   a database          PostgresStore, guarded and coalescing
//   database and cache  CachingStore over that
//
// An in-process cache in front of the in-memory store is built where CACHE_PROVIDER asks for it by
// name, to try the stack without servers.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/adapters/postgres/schema_policy.h"
#include "strata/base/failure_tier.h"
#include "strata/factories/backends.h"
#include "strata/records/entity.h"
#include "strata/store/internal/any_record.h"
#include "strata/store/options.h"
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

struct StackedRecords {
  std::unique_ptr<AnyStore> store;
  // The right to the keys of the entity: to be held for as long as the store lives.
  std::shared_ptr<const void> claim;
};

absl::StatusOr<StackedRecords> createRecords(const Backends& backends, const EntityInfo& entity,
                                             const StoreOptions& options);

template <EntityType T>
std::unique_ptr<Store<T>> typed(StackedRecords records) {
  return std::make_unique<TypedStore<T>>(std::move(records.store), std::move(records.claim));
}

}  // namespace internal

// A layer that is off is not built and costs nothing. The layers and their order are in
// ARCHITECTURE.md; factories/store_factory.cpp is where they are stacked.
//
// InvalidArgument: an option is out of range, the store would be cached on a server and no app is
// set (app.h), or a store of another table in this process has the same app and KeySpace (a second
// store of the same table is no mistake). FailedPrecondition: the table lacks something that
// `schema` does not allow to add, or the cache cannot keep `consistency`. Errors of the database as
// in Store<T>.
template <EntityType T>
absl::StatusOr<std::unique_ptr<Store<T>>> createStore(const Backends& backends,
                                                      const StoreOptions& options = {}) {
  auto records = internal::createRecords(backends, entityInfo<T>(), options);
  if (!records.ok()) return records.status();
  return internal::typed<T>(*std::move(records));
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
