#include "strata/adapters/postgres/migrations.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <string>
#include <utility>

#include "adapters/postgres/client/pool.h"
#include "adapters/postgres/schema/database_identity.h"
#include "adapters/postgres/schema/migration_plan.h"
#include "adapters/postgres/schema/schema.h"
#include "adapters/postgres/schema/schema_change.h"
#include "strata/base/status.h"
#include "strata/records/row_codec.h"

namespace strata {
namespace {

using postgres::AppliedMigrations;
using postgres::Connection;
using postgres::Effect;
using postgres::Statement;

// Rewriting a large table takes what it takes.
constexpr std::string_view kSettings = "SET LOCAL statement_timeout = 0;";
// Longer names are cut by the server.
constexpr std::size_t kMostBytesOfName = 63;

// The schema that migrations run in, or where search_path leads, and its table strata_migrations.
class History {
 public:
  explicit History(std::string schema)
      : schema_(std::move(schema)),
        table_(schema_.empty() ? "strata_migrations"
                               : quoteIdentifier(schema_) + ".strata_migrations") {}

  absl::StatusOr<std::vector<Migration>> pendingOf(Connection& connection,
                                                   std::span<const Migration> migrations) const;
  // In a transaction, before the first migration: what is missing of schema and table, and a
  // search_path that leads there.
  absl::Status prepare(Connection& connection) const;
  absl::Status apply(Connection& connection, const Migration& migration) const;

 private:
  absl::StatusOr<bool> hasTable(Connection& connection) const;
  absl::StatusOr<AppliedMigrations> readApplied(Connection& connection) const;
  absl::Status enterSchema(Connection& connection) const;
  absl::Status createTable(Connection& connection) const;

  const std::string schema_;
  const std::string table_;  // for SQL
};

absl::StatusOr<bool> History::hasTable(Connection& connection) const {
  static const auto* const statement = new Statement(
      "SELECT to_regclass($1) IS NOT NULL", "look for the table strata_migrations", Effect::kReads);
  const postgres::Bind binds[] = {table_};
  auto rows = connection.run(*statement, binds, {});
  if (!rows.ok()) return rows.status();
  return rows->at(0, 0) == "t";
}

absl::StatusOr<AppliedMigrations> History::readApplied(Connection& connection) const {
  const Statement statement("SELECT component, number, checksum FROM " + table_,
                            "read the table strata_migrations", Effect::kReads);
  const absl::StatusOr<bool> exists = hasTable(connection);
  if (!exists.ok()) return exists.status();
  AppliedMigrations applied;
  if (!*exists) return applied;
  auto rows = connection.run(statement, {}, {});
  if (!rows.ok()) return rows.status();
  for (int row = 0; row < rows->size(); ++row) {
    const std::string_view digits = *rows->at(row, 1);
    int number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    applied.emplace(std::pair(*rows->at(row, 0), number), *rows->at(row, 2));
  }
  return applied;
}

absl::StatusOr<std::vector<Migration>> History::pendingOf(
    Connection& connection, std::span<const Migration> migrations) const {
  auto applied = readApplied(connection);
  if (!applied.ok()) return applied.status();
  return postgres::planMigrations(migrations, *applied);
}

absl::Status History::apply(Connection& connection, const Migration& migration) const {
  const Statement remember(
      fmt::format("INSERT INTO {} (component, number, name, checksum) VALUES ($1, $2, $3, $4)",
                  table_),
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
  return connection.run(remember, binds, {}).status();
}

// IF NOT EXISTS alone would need the right to create a schema where there is one.
absl::Status History::enterSchema(Connection& connection) const {
  static const auto* const find = new Statement("SELECT FROM pg_namespace WHERE nspname = $1",
                                                "look for a schema", Effect::kReads);
  const postgres::Bind binds[] = {schema_};
  auto found = connection.run(*find, binds, {});
  if (!found.ok()) return found.status();
  const std::string name = quoteIdentifier(schema_);
  if (found->size() == 0) {
    absl::Status status = connection.script("CREATE SCHEMA IF NOT EXISTS " + name,
                                            fmt::format("create the schema {}", schema_));
    if (!status.ok()) return status;
  }
  return connection.script("SET LOCAL search_path = " + name,
                           fmt::format("enter the schema {}", schema_));
}

absl::Status History::createTable(Connection& connection) const {
  static const auto* const where =
      new Statement("SELECT current_schema(), current_setting('search_path')",
                    "look where search_path leads", Effect::kReads);
  const absl::StatusOr<bool> exists = hasTable(connection);
  if (!exists.ok()) return exists.status();
  if (*exists) return absl::OkStatus();
  auto rows = connection.run(*where, {}, {});
  if (!rows.ok()) return rows.status();
  if (!rows->at(0, 0)) {
    return postgres::noSchemaToCreateIn("table strata_migrations", rows->at(0, 1).value_or(""));
  }
  return connection.script(
      fmt::format("CREATE TABLE IF NOT EXISTS {} ("
                  " component text NOT NULL, number integer NOT NULL, name text NOT NULL,"
                  " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),"
                  " PRIMARY KEY (component, number))",
                  table_),
      "create the table strata_migrations");
}

// The identity is that of the database, and stays where search_path led before.
absl::Status History::prepare(Connection& connection) const {
  if (absl::Status status = postgres::createIdentity(connection); !status.ok()) return status;
  if (!schema_.empty()) {
    if (absl::Status status = enterSchema(connection); !status.ok()) return status;
  }
  return createTable(connection);
}

// Once it is our turn: another process may have applied some of them.
absl::Status applyPending(Connection& connection, const History& history,
                          std::span<const Migration> migrations) {
  if (absl::Status status = history.prepare(connection); !status.ok()) return status;
  const auto pending = history.pendingOf(connection, migrations);
  if (!pending.ok()) return pending.status();
  for (const Migration& migration : *pending) {
    if (absl::Status status = history.apply(connection, migration); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> isAnyPending(postgres::Pool& pool, const History& history,
                                  std::span<const Migration> migrations) {
  auto lease = pool.lease({});
  if (!lease.ok()) return lease.status();
  const auto pending = history.pendingOf(**lease, migrations);
  if (!pending.ok()) return pending.status();
  return !pending->empty();
}

absl::Status checkSchema(std::string_view schema) {
  if (schema.size() <= kMostBytesOfName && schema.find('\0') == schema.npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "apply migrations: MigrationOptions::schema is longer than 63 bytes or holds a NUL");
}

}  // namespace

absl::Status applyMigrations(PostgresPool& pool, std::span<const Migration> migrations,
                             const MigrationOptions& options) {
  if (absl::Status status = checkSchema(options.schema); !status.ok()) return status;
  const History history(options.schema);
  const absl::StatusOr<bool> any = isAnyPending(pool.internals(), history, migrations);
  if (!any.ok()) return annotate(any.status(), "apply migrations");
  if (!*any) return absl::OkStatus();
  const postgres::SchemaChange change{.what = "apply migrations",
                                      .turn = postgres::kMigrationTurn,
                                      .settings = kSettings,
                                      .patience = options.lock_patience,
                                      .counts_turns_of_others = false};
  return postgres::changeSchema(pool.internals(), change, [&](Connection& connection) {
    return applyPending(connection, history, migrations);
  });
}

}  // namespace strata
