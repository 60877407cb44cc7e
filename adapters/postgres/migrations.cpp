#include "strata/adapters/postgres/migrations.h"

#include <fmt/format.h>

#include <charconv>

#include "adapters/postgres/migration_plan.h"
#include "adapters/postgres/pool.h"
#include "strata/base/status.h"

namespace strata {
namespace {

using postgres::AppliedMigrations;
using postgres::Connection;
using postgres::Effect;
using postgres::Statement;

// Read committed: what is read after the wait for the lock must be newer than the wait. No time
// limit: waiting for another process that migrates, or rewriting a large table, takes what it
// takes.
constexpr std::string_view kBegin =
    "BEGIN ISOLATION LEVEL READ COMMITTED;"
    "SET LOCAL statement_timeout = 0;"
    "SELECT pg_advisory_xact_lock(5570193312718082);"
    "CREATE TABLE IF NOT EXISTS strata_migrations ("
    " component text NOT NULL, number integer NOT NULL, name text NOT NULL, checksum text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (component, number))";

absl::StatusOr<bool> hasTable(Connection& connection) {
  static const auto* const statement =
      new Statement("SELECT to_regclass('strata_migrations') IS NOT NULL",
                    "look for the table strata_migrations", Effect::kReads);
  auto rows = connection.run(*statement, {}, {});
  if (!rows.ok()) return rows.status();
  return rows->at(0, 0) == "t";
}

absl::StatusOr<AppliedMigrations> readApplied(Connection& connection) {
  static const auto* const statement =
      new Statement("SELECT component, number, checksum FROM strata_migrations",
                    "read the table strata_migrations", Effect::kReads);
  const absl::StatusOr<bool> exists = hasTable(connection);
  if (!exists.ok()) return exists.status();
  AppliedMigrations applied;
  if (!*exists) return applied;
  auto rows = connection.run(*statement, {}, {});
  if (!rows.ok()) return rows.status();
  for (int row = 0; row < rows->size(); ++row) {
    const std::string_view digits = *rows->at(row, 1);
    int number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    applied.emplace(std::pair(*rows->at(row, 0), number), *rows->at(row, 2));
  }
  return applied;
}

absl::StatusOr<std::vector<Migration>> pendingOf(Connection& connection,
                                                 std::span<const Migration> migrations) {
  auto applied = readApplied(connection);
  if (!applied.ok()) return applied.status();
  return postgres::planMigrations(migrations, *applied);
}

absl::Status apply(Connection& connection, const Migration& migration) {
  static const auto* const remember = new Statement(
      "INSERT INTO strata_migrations (component, number, name, checksum) VALUES ($1, $2, $3, $4)",
      "write the table strata_migrations", Effect::kWrites);
  const std::string what = postgres::describe(migration);
  absl::Status status = connection.script(migration.sql, what);
  if (!status.ok()) return status;
  if (!connection.inTransaction()) {
    return absl::FailedPreconditionError(
        fmt::format("{} ends the transaction that it runs in", what));
  }
  const postgres::Bind binds[] = {postgres::bind(migration.component),
                                  postgres::bind(migration.number), postgres::bind(migration.name),
                                  postgres::checksumOf(migration)};
  return connection.run(*remember, binds, {}).status();
}

}  // namespace

absl::Status applyMigrations(PostgresPool& pool, std::span<const Migration> migrations) {
  auto lease = pool.internals().lease({});
  if (!lease.ok()) return annotate(lease.status(), "apply migrations");
  Connection& connection = **lease;
  auto pending = pendingOf(connection, migrations);
  if (!pending.ok() || pending->empty()) return pending.status();
  // From here on every early return leaves the transaction open, which makes the pool close the
  // connection, and the server roll back.
  absl::Status status = connection.script(kBegin, "begin to apply migrations");
  if (!status.ok()) return status;
  pending = pendingOf(connection, migrations);
  if (!pending.ok()) return pending.status();
  for (const Migration& migration : *pending) {
    if (status = apply(connection, migration); !status.ok()) return status;
  }
  return connection.script("COMMIT", "commit migrations");
}

}  // namespace strata
