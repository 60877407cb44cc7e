#include "adapters/postgres/schema/database_identity.h"

#include <fmt/format.h>

#include "absl/functional/function_ref.h"
#include "adapters/postgres/schema/schema_change.h"
#include "src/base/randomness.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/records/row_codec.h"

namespace strata::postgres {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(5);
constexpr std::string_view kCreateTable =
    "CREATE TABLE IF NOT EXISTS strata_identity ("
    " only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), id text NOT NULL,"
    " created_at timestamptz NOT NULL DEFAULT now());"
    "GRANT SELECT ON strata_identity TO PUBLIC";

// What the role may do, and where it is. Names are not used before it is known that they exist: a
// function that the role may not call is refused even where it is not called.
struct Situation {
  bool may_read_table = false;
  bool may_create_table = false;
  bool may_ask_system = false;
  std::string database;  // its oid
  std::string schema;    // of the entity's table
};

// Runs a statement by itself, or in a transaction.
using Text = std::optional<std::string>;
using AskText = absl::FunctionRef<absl::StatusOr<Text>(const Statement&)>;

absl::StatusOr<Situation> lookAround(Pool& pool, std::string_view table) {
  static const auto* const statement = new Statement(
      "SELECT has_table_privilege(to_regclass('strata_identity'), 'SELECT'),"
      " to_regclass('strata_identity') IS NULL AND NOT pg_is_in_recovery()"
      "  AND current_setting('transaction_read_only') = 'off'"
      "  AND has_schema_privilege(current_schema(), 'CREATE'),"
      " has_function_privilege(to_regprocedure('pg_control_system()'), 'EXECUTE'),"
      " (SELECT oid FROM pg_database WHERE datname = current_database()),"
      " coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
      "  WHERE c.oid = to_regclass($1)), current_schema())",
      "look for the table strata_identity", Effect::kReads);
  const Bind binds[] = {quoteTable(table)};
  auto answer = pool.run(*statement, binds, {});
  if (!answer.ok()) return answer.status();
  const Rows& rows = answer->rows;
  return Situation{.may_read_table = rows.at(0, 0) == "t",
                   .may_create_table = rows.at(0, 1) == "t",
                   .may_ask_system = rows.at(0, 2) == "t",
                   .database = std::string(rows.at(0, 3).value_or("")),
                   .schema = std::string(rows.at(0, 4).value_or(""))};
}

Text firstOf(const Rows& rows) {
  if (rows.size() == 0 || !rows.at(0, 0)) return std::nullopt;
  return std::string(*rows.at(0, 0));
}

absl::StatusOr<Text> askOn(Connection& connection, const Statement& statement) {
  auto rows = connection.run(statement, {}, {});
  if (!rows.ok()) return rows.status();
  return firstOf(*rows);
}

absl::StatusOr<Text> storedId(AskText ask) {
  static const auto* const statement = new Statement(
      "SELECT id FROM strata_identity", "read the table strata_identity", Effect::kReads);
  return ask(*statement);
}

absl::StatusOr<Text> workedOutId(AskText ask) {
  static const auto* const statement = new Statement(
      "SELECT system_identifier || '-' ||"
      " (SELECT oid FROM pg_database WHERE datname = current_database())"
      " FROM pg_control_system()",
      "ask for the system identifier", Effect::kReads);
  return ask(*statement);
}

std::string randomId() {
  return fmt::format("{:016x}{:016x}", internal::randomSeed(), internal::randomSeed());
}

// "create": the table is missing and the role may make it; otherwise null.
absl::StatusOr<Text> whetherToCreate(Connection& connection) {
  static const auto* const statement = new Statement(
      "SELECT 'create' WHERE to_regclass('strata_identity') IS NULL"
      " AND has_schema_privilege(current_schema(), 'CREATE')",
      "look for the table strata_identity", Effect::kReads);
  return askOn(connection, *statement);
}

// The id that a new table gets.
absl::StatusOr<std::string> newId(Connection& connection) {
  static const auto* const statement = new Statement(
      "SELECT 'ask' WHERE"
      " has_function_privilege(to_regprocedure('pg_control_system()'), 'EXECUTE')",
      "look for pg_control_system()", Effect::kReads);
  auto may_ask = askOn(connection, *statement);
  if (!may_ask.ok()) return may_ask.status();
  if (!*may_ask) return randomId();
  auto id = workedOutId([&](const Statement& asked) { return askOn(connection, asked); });
  if (!id.ok()) return id.status();
  return id->value_or(randomId());
}

// A failure to make it is no failure of the store's: without it the id is worked out.
void tryToCreate(Pool& pool) {
  const SchemaChange change{.what = "create the table strata_identity",
                            .turn = kMigrationTurn,
                            .settings = "",
                            .patience = kPatience,
                            .counts_turns_of_others = true};
  const absl::Status status = changeSchema(pool, change, createIdentity);
  if (!status.ok()) {
    log(Severity::kWarning, "strata.postgres.identity_not_stored", {{"error", describe(status)}});
  }
}

absl::StatusOr<Text> idOf(Pool& pool, const Situation& found) {
  const auto ask = [&pool](const Statement& statement) -> absl::StatusOr<Text> {
    auto answer = pool.run(statement, {}, {});
    if (!answer.ok()) return answer.status();
    return firstOf(answer->rows);
  };
  if (found.may_read_table) {
    auto stored = storedId(ask);
    if (!stored.ok() || *stored) return stored;
  }
  if (found.may_ask_system) return workedOutId(ask);
  return std::nullopt;
}

}  // namespace

absl::Status createIdentity(Connection& connection) {
  static const auto* const statement =
      new Statement("INSERT INTO strata_identity (id) VALUES ($1) ON CONFLICT DO NOTHING",
                    "write the table strata_identity", Effect::kWrites);
  const absl::StatusOr<Text> creates = whetherToCreate(connection);
  if (!creates.ok()) return creates.status();
  if (!*creates) return absl::OkStatus();
  absl::Status status = connection.script(kCreateTable, "create the table strata_identity");
  if (!status.ok()) return status;
  const absl::StatusOr<std::string> id = newId(connection);
  if (!id.ok()) return id.status();
  const Bind binds[] = {*id};
  return connection.run(*statement, binds, {}).status();
}

absl::StatusOr<std::optional<std::string>> databaseIdentity(Pool& pool, std::string_view table,
                                                            bool may_create) {
  absl::StatusOr<Situation> found = lookAround(pool, table);
  if (found.ok() && may_create && found->may_create_table) {
    tryToCreate(pool);
    found = lookAround(pool, table);
  }
  if (!found.ok()) return annotate(found.status(), "identify the database");
  const auto id = idOf(pool, *found);
  if (!id.ok()) return annotate(id.status(), "identify the database");
  if (!*id) return std::nullopt;
  // A database that was made from a template has a copy of its table, but an oid of its own.
  return fmt::format("{}|{}|{}", **id, found->database, found->schema);
}

}  // namespace strata::postgres
