#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "src/cache/invalidator.h"
#include "strata/factories/store_factory.h"

namespace strata::internal {

// Deletes what other processes have cached of an entity's records.
Invalidator invalidatorOf(const Backends& backends, const EntityInfo& entity);

// The layers of createStore above GuardedStore, over a store that guards its database itself or
// needs no guard.
absl::StatusOr<StackedRecords> stackOver(std::unique_ptr<AnyStore> store, const Backends& backends,
                                         const EntityInfo& entity, const StoreOptions& options);

// The same for a store of one type, whose table and keys are those of `entity`.
template <EntityType T>
absl::StatusOr<std::unique_ptr<Store<T>>> stackOver(std::unique_ptr<Store<T>> store,
                                                    const Backends& backends,
                                                    const EntityInfo& entity,
                                                    const StoreOptions& options) {
  auto records = stackOver(eraseType(std::move(store)), backends, entity, options);
  if (!records.ok()) return records.status();
  return typed<T>(*std::move(records));
}

}  // namespace strata::internal
