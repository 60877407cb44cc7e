#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "stores/in_memory_transactor.h"
#include "stores/postgres_transactor.h"
#include "strata/adapters/postgres/migrations.h"
#include "strata/core/status.h"
#include "strata/factories/backends.h"
#include "strata/stores/conversation/conversation_migrations.h"

namespace strata::internal {

// The transactor of a store of conversations on whatever is configured; with a database, after the
// migrations that it lacks.
template <typename Tables, typename PostgresTables, typename InMemoryTables, typename Data>
absl::StatusOr<std::unique_ptr<Transactor<Tables>>> createTransactor(const Backends& backends,
                                                                     const std::string& store) {
  if (backends.database == nullptr) {
    return std::make_unique<InMemoryTransactor<Tables, InMemoryTables, Data>>(backends.memory,
                                                                              *backends.clock);
  }
  absl::Status migrated = applyMigrations(*backends.database, conversationMigrations());
  if (migrated.ok() && backends.config.enable_row_level_security) {
    migrated = applyMigrations(*backends.database, conversationRowSecurityMigrations());
  }
  if (!migrated.ok()) return annotate(migrated, "migrating " + store);
  auto work =
      PostgresWork::create({.pool = backends.database,
                            .bulkhead = backends.bulkhead,
                            .metrics = backends.metrics,
                            .row_level_security = backends.config.enable_row_level_security},
                           store, *backends.clock);
  if (!work.ok()) return work.status();
  return std::make_unique<PostgresTransactor<Tables, PostgresTables>>(*std::move(work),
                                                                      *backends.clock);
}

}  // namespace strata::internal
