#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "factories/record_stack.h"
#include "strata/adapters/postgres/migrations.h"
#include "strata/factories/backends.h"
#include "strata/factories/store_factory.h"

namespace strata::internal {

// `backends` as the domain stores use them, to which createStore<T> gives their app.
Backends domainBackends(Backends backends);

// The schema of the domain stores' tables. InvalidArgument: Config is not valid, which connect would
// have refused.
absl::StatusOr<std::string> domainSchema(const Backends& backends);

// Applies the migrations of `store`, which is named in errors, where there is a database.
absl::Status migrateDomain(const Backends& backends, std::span<const Migration> migrations,
                           std::string_view store);

// An entity of the domain with the table and the keys that it has in DomainConfig::schema. Made once
// for each schema, never destroyed.
const EntityInfo& domainEntity(const Backends& backends, const EntityInfo& entity);
template <EntityType T>
const EntityInfo& domainEntity(const Backends& backends) {
  return domainEntity(backends, entityInfo<T>());
}

// createStore<T> for an entity of the domain.
template <EntityType T>
absl::StatusOr<std::unique_ptr<Store<T>>> createDomainStore(const Backends& backends,
                                                            const StoreOptions& options) {
  auto records = createRecords(domainBackends(backends), domainEntity<T>(backends), options);
  if (!records.ok()) return records.status();
  return typed<T>(*std::move(records));
}

}  // namespace strata::internal
