// Migrations: the schema's history as SQL files, compiled in and applied in order, each once.
//
//   absl::Status status = applyMigrations(*pool, orderMigrations());
//
// A component (a store, an application) numbers its files from 1: 0001_create_orders.sql,
// 0002_add_currency.sql. strata_embed_migrations() of cmake/EmbedMigrations.cmake makes the
// array. What was applied is kept in the table strata_migrations, with a checksum: a file that was
// applied is never edited again, a new one is added. Not for: statements that refuse to run in a
// transaction (CREATE INDEX CONCURRENTLY); run those by hand.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/adapters/postgres/postgres_pool.h"

namespace strata {

struct Migration {
  std::string_view component;
  int number;  // from 1, without gaps
  std::string_view name;
  // One or several statements, without BEGIN or COMMIT. Where it may run through a pooler, also
  // without what outlives a transaction: SET LOCAL instead of SET.
  std::string_view sql;
};

struct MigrationOptions {
  // How long an attempt that a lock stopped is repeated. Not counted is the time in which another
  // process applies its migrations.
  absl::Duration lock_patience = absl::Minutes(5);
  // The schema in which they run and which keeps what was applied, so that several of one database
  // have the same tables. It is created where it is missing. While they run, search_path leads to it
  // alone. Empty: where search_path leads.
  std::string schema = {};
};

// Thread-safe, in one process and between many: whoever comes first applies, the others wait for
// it.
//
// Applies what is not applied yet, all of it in one transaction; on an error nothing of it is.
// Migrations of the database that are newer than these are left alone: an older binary may run
// beside a newer one. Nothing to do: no DDL is sent, so the right to run any is not needed.
//
// A lock that another session holds is waited for at 300 ms a time (lock_timeout), since all later
// readers of the table wait as well; then everything is rolled back, and repeated after a pause. So
// a long rewrite and a lock of a busy table belong in two releases, not in one run.
//
//   InvalidArgument     the numbers of a component are not 1, 2, 3 …
//   FailedPrecondition  an applied one is not what it was, or one does not fit the database; the
//                       message names it. Or search_path leads to no schema
//   PermissionDenied    the role may not do what one does, or not create the schema
//   Unavailable         a lock was not to be had; names it and its holders. Safe to repeat
//   …                   as PostgresPool; safe to repeat
absl::Status applyMigrations(PostgresPool& pool, std::span<const Migration> migrations,
                             const MigrationOptions& options = {});

}  // namespace strata
