#include "stores/conversations/execution/postgres_execution_tables.h"

#include <fmt/format.h>

#include "stores/base/postgres_records.h"
#include "stores/conversations/execution/execution_statements.h"

namespace strata::internal {
namespace {

using postgres::Bound;
using postgres::Effect;
using postgres::Statement;

const RecordColumns& columns() {
  static const auto* const columns =
      new RecordColumns("execution_contexts", typeInfo<ExecutionContext>());
  return *columns;
}

// What `rows` says about the rows of the table.
Statement reading(std::string_view rows, const char* what, Bound bound = Bound::kNone) {
  return {fmt::format("SELECT {} FROM $schema.execution_contexts WHERE tenant_id = $1 AND {}",
                      columns().names(), rows),
          what, Effect::kReads, bound};
}

Statement inserting() {
  return {fmt::format("INSERT INTO $schema.execution_contexts ({}) VALUES ({}) "
                      "ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id",
                      columns().names(), columns().parameters(1)),
          "insert an execution context", Effect::kWrites};
}

Statement updating() {
  return {fmt::format("UPDATE $schema.execution_contexts SET {} WHERE tenant_id = $1 AND id = $2",
                      columns().assignments(1, {"tenant_id", "id"})),
          "update an execution context", Effect::kWrites};
}

// What another call removes or changes at this moment is left to it.
Statement removingTerminated() {
  return {
      "DELETE FROM $schema.execution_contexts WHERE tenant_id = $1 AND id = ANY(ARRAY("
      "SELECT id FROM $schema.execution_contexts "
      "WHERE tenant_id = $1 AND terminated_at IS NOT NULL AND terminated_at <= $2 "
      "ORDER BY terminated_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING id",
      "remove terminated execution contexts", Effect::kWrites};
}

constexpr std::string_view kUnterminated =
    "conversation_id = $2 AND path_id = $3 AND terminated_at IS NULL";

}  // namespace

const ExecutionStatements& executionStatements() {
  static const auto* const statements = new ExecutionStatements{
      .lock_conversation = {"SELECT id FROM $schema.conversations WHERE tenant_id = $1 AND id = $2 "
                            "FOR NO KEY UPDATE",
                            "lock a conversation", Effect::kReads},
      .has_path = {"SELECT id FROM $schema.conversation_paths "
                   "WHERE tenant_id = $1 AND conversation_id = $2 AND id = $3",
                   "find a path", Effect::kReads},
      .find = reading("id = $2", "find an execution context"),
      .lock = reading("id = $2 FOR NO KEY UPDATE", "lock an execution context"),
      .find_unterminated = reading(kUnterminated, "find the execution context of a path"),
      .lock_unterminated = reading(fmt::format("{} FOR NO KEY UPDATE", kUnterminated),
                                   "lock the execution context of a path"),
      .list_expired =
          reading("terminated_at IS NULL AND expires_at <= $2 ORDER BY expires_at, id LIMIT $3",
                  "list expired execution contexts", Bound::kPage),
      .insert = inserting(),
      .update = updating(),
      .remove_terminated = removingTerminated()};
  return *statements;
}

absl::StatusOr<std::int64_t> PostgresExecutionTables::count(const Statement& statement,
                                                            Binds binds) {
  const auto answer = session_.run(statement, binds);
  if (!answer.ok()) return answer.status();
  return answer->rows.size();
}

PostgresExecutionTables::Found PostgresExecutionTables::first(const Statement& statement,
                                                              Binds binds) {
  const auto answer = session_.run(statement, binds);
  if (!answer.ok()) return answer.status();
  if (answer->rows.size() == 0) return std::nullopt;
  ExecutionContext context;
  absl::Status status = columns().read(answer->rows, 0, &context);
  if (!status.ok()) return status;
  return context;
}

absl::StatusOr<bool> PostgresExecutionTables::lockConversation(const std::string& tenant_id,
                                                               const std::string& conversation_id) {
  const auto rows = count(executionStatements().lock_conversation, {{tenant_id, conversation_id}});
  if (!rows.ok()) return rows.status();
  return *rows == 1;
}

absl::StatusOr<bool> PostgresExecutionTables::hasPath(const std::string& tenant_id,
                                                      const std::string& conversation_id,
                                                      const std::string& path_id) {
  const auto rows = count(executionStatements().has_path, {{tenant_id, conversation_id, path_id}});
  if (!rows.ok()) return rows.status();
  return *rows == 1;
}

PostgresExecutionTables::Found PostgresExecutionTables::find(const std::string& tenant_id,
                                                             const std::string& id) {
  return first(executionStatements().find, {{tenant_id, id}});
}

PostgresExecutionTables::Found PostgresExecutionTables::lock(const std::string& tenant_id,
                                                             const std::string& id) {
  return first(executionStatements().lock, {{tenant_id, id}});
}

PostgresExecutionTables::Found PostgresExecutionTables::findUnterminated(
    const std::string& tenant_id, const std::string& conversation_id, const std::string& path_id) {
  return first(executionStatements().find_unterminated, {{tenant_id, conversation_id, path_id}});
}

PostgresExecutionTables::Found PostgresExecutionTables::lockUnterminated(
    const std::string& tenant_id, const std::string& conversation_id, const std::string& path_id) {
  return first(executionStatements().lock_unterminated, {{tenant_id, conversation_id, path_id}});
}

absl::StatusOr<std::vector<ExecutionContext>> PostgresExecutionTables::listExpired(
    const std::string& tenant_id, Timestamp by, std::int64_t limit) {
  const auto answer = session_.run(executionStatements().list_expired,
                                   {{tenant_id, postgres::bind(by), postgres::bind(limit)}});
  if (!answer.ok()) return answer.status();
  return readAll<ExecutionContext>(columns(), answer->rows);
}

absl::StatusOr<bool> PostgresExecutionTables::insert(const ExecutionContext& context) {
  std::vector<postgres::Bind> binds;
  columns().bindTo(&context, binds);
  const auto rows = count(executionStatements().insert, binds);
  if (!rows.ok()) return rows.status();
  return *rows == 1;
}

absl::Status PostgresExecutionTables::update(const ExecutionContext& context) {
  std::vector<postgres::Bind> binds;
  columns().bindTo(&context, binds);
  return count(executionStatements().update, binds).status();
}

absl::StatusOr<std::int64_t> PostgresExecutionTables::removeTerminated(const std::string& tenant_id,
                                                                       Timestamp by,
                                                                       std::int64_t limit) {
  return count(executionStatements().remove_terminated,
               {{tenant_id, postgres::bind(by), postgres::bind(limit)}});
}

}  // namespace strata::internal
