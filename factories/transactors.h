#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "factories/domain_backends.h"
#include "stores/base/in_memory_transactor.h"
#include "stores/base/postgres_transactor.h"
#include "strata/adapters/postgres/migrations.h"
#include "strata/factories/backends.h"

namespace strata::internal {

// What a store needs its database to have. Where there is a row security, it is applied and heeded
// as DomainConfig::enable_row_level_security says.
struct StoreSchema {
  std::span<const Migration> migrations;
  std::span<const Migration> row_security = {};
};

// The transactor of a store on whatever is configured; with a database, after the migrations that
// it lacks.
template <typename Tables, typename PostgresTables, typename InMemoryTables, typename Data>
absl::StatusOr<std::unique_ptr<Transactor<Tables>>> createTransactor(const Backends& backends,
                                                                     const std::string& store,
                                                                     const StoreSchema& needs) {
  const absl::StatusOr<std::string> schema = domainSchema(backends);
  if (!schema.ok()) return schema.status();
  if (backends.database == nullptr) {
    return std::make_unique<InMemoryTransactor<Tables, InMemoryTables, Data>>(
        backends.memory, *schema, *backends.clock);
  }
  const bool row_level_security =
      backends.config.domain.enable_row_level_security && !needs.row_security.empty();
  absl::Status migrated = migrateDomain(backends, needs.migrations, store);
  if (migrated.ok() && row_level_security) {
    migrated = migrateDomain(backends, needs.row_security, store);
  }
  if (!migrated.ok()) return migrated;
  auto work = PostgresWork::create({.pool = backends.database,
                                    .bulkhead = backends.bulkhead,
                                    .metrics = backends.metrics,
                                    .row_level_security = row_level_security,
                                    .schema = *schema},
                                   store, *backends.clock);
  if (!work.ok()) return work.status();
  return std::make_unique<PostgresTransactor<Tables, PostgresTables>>(*std::move(work),
                                                                      *backends.clock);
}

}  // namespace strata::internal
