#include "strata/adapters/postgres/migrations.h"

#include <fmt/format.h>

#include <charconv>

#include "adapters/postgres/client/pool.h"
#include "adapters/postgres/schema/database_identity.h"
#include "adapters/postgres/schema/migration_plan.h"
#include "adapters/postgres/schema/schema.h"
#include "adapters/postgres/schema/schema_change.h"
#include "strata/base/status.h"

namespace strata {
namespace {

using postgres::AppliedMigrations;
using postgres::Connection;
using postgres::Effect;
using postgres::Statement;

// Rewriting a large table takes what it takes.
constexpr std::string_view kSettings = "SET LOCAL statement_timeout = 0;";
constexpr std::string_view kCreateTable =
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

absl::Status createTable(Connection& connection) {
  static const auto* const statement =
      new Statement("SELECT current_schema(), current_setting('search_path')",
                    "look where search_path leads", Effect::kReads);
  const absl::StatusOr<bool> exists = hasTable(connection);
  if (!exists.ok()) return exists.status();
  if (*exists) return absl::OkStatus();
  auto rows = connection.run(*statement, {}, {});
  if (!rows.ok()) return rows.status();
  if (!rows->at(0, 0)) {
    return postgres::noSchemaToCreateIn("table strata_migrations", rows->at(0, 1).value_or(""));
  }
  return connection.script(kCreateTable, "create the table strata_migrations");
}

// Once it is our turn: another process may have applied some of them.
absl::Status applyPending(Connection& connection, std::span<const Migration> migrations) {
  if (absl::Status status = createTable(connection); !status.ok()) return status;
  if (absl::Status status = postgres::createIdentity(connection); !status.ok()) return status;
  const auto pending = pendingOf(connection, migrations);
  if (!pending.ok()) return pending.status();
  for (const Migration& migration : *pending) {
    if (absl::Status status = apply(connection, migration); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> isAnyPending(postgres::Pool& pool, std::span<const Migration> migrations) {
  auto lease = pool.lease({});
  if (!lease.ok()) return lease.status();
  const auto pending = pendingOf(**lease, migrations);
  if (!pending.ok()) return pending.status();
  return !pending->empty();
}

}  // namespace

absl::Status applyMigrations(PostgresPool& pool, std::span<const Migration> migrations,
                             const MigrationOptions& options) {
  const absl::StatusOr<bool> any = isAnyPending(pool.internals(), migrations);
  if (!any.ok()) return annotate(any.status(), "apply migrations");
  if (!*any) return absl::OkStatus();
  const postgres::SchemaChange change{.what = "apply migrations",
                                      .turn = postgres::kMigrationTurn,
                                      .settings = kSettings,
                                      .patience = options.lock_patience,
                                      .counts_turns_of_others = false};
  return postgres::changeSchema(pool.internals(), change, [&](Connection& connection) {
    return applyPending(connection, migrations);
  });
}

}  // namespace strata
