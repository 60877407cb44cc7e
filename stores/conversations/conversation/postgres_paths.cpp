#include <fmt/format.h>

#include <map>
#include <utility>

#include "stores/conversations/conversation/postgres_conversation_tables.h"

namespace strata::internal {
namespace {

using postgres::bind;
using postgres::Bound;
using postgres::Effect;
using postgres::Statement;

// What is kept with every message is not written with the path.
const RecordColumns& columns() {
  static const auto* const made =
      new RecordColumns("conversation_paths", typeInfo<Path>(), {"message_count", "branch_count"});
  return *made;
}

// Of a path p, its counts last.
std::string columnsOfPath() {
  return columns().names("p") +
         ", p.message_count, (SELECT count(*) FROM $schema.conversation_paths b"
         " WHERE b.tenant_id = $1 AND b.parent_path_id = p.id)";
}

Statement selectPaths(const std::string& rest, const char* what, Bound bound = Bound::kNone) {
  return Statement(
      fmt::format("SELECT {} FROM $schema.conversation_paths p {}", columnsOfPath(), rest), what,
      Effect::kReads, bound);
}

Statement listSql(bool include_inactive, PathParent parent) {
  const char* const of = parent == PathParent::kAny     ? ""
                         : parent == PathParent::kRoots ? "AND p.parent_path_id IS NULL"
                                                        : "AND p.parent_path_id = $3";
  return selectPaths(fmt::format("WHERE p.tenant_id = $1 AND p.conversation_id = $2 {} {}"
                                 " ORDER BY p.is_primary DESC, p.created_at, p.id",
                                 include_inactive ? "" : "AND p.is_active", of),
                     "list paths", Bound::kPage);
}

const Statement& listStatement(bool include_inactive, PathParent parent) {
  using Kind = std::pair<bool, PathParent>;
  static const auto* const statements = [] {
    auto* made = new std::map<Kind, Statement>();
    for (const bool all : {false, true}) {
      for (const auto p : {PathParent::kAny, PathParent::kRoots, PathParent::kOf}) {
        made->emplace(Kind(all, p), listSql(all, p));
      }
    }
    return made;
  }();
  return statements->at({include_inactive, parent});
}

absl::StatusOr<std::optional<Path>> firstOf(absl::StatusOr<std::vector<Path>> found) {
  if (!found.ok()) return found.status();
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

}  // namespace

absl::StatusOr<std::vector<Path>> PostgresConversationTables::readPaths(const Statement& statement,
                                                                        const Binds& binds) {
  const auto answer = session_.run(statement, binds);
  if (!answer.ok()) return answer.status();
  return readAll<Path>(columns(), answer->rows);
}

absl::StatusOr<std::optional<Path>> PostgresConversationTables::path(const std::string& tenant,
                                                                     const std::string& id) {
  static const auto* const statement =
      new Statement(selectPaths("WHERE p.tenant_id = $1 AND p.id = $2", "get a path"));
  return firstOf(readPaths(*statement, {tenant, id}));
}

absl::StatusOr<std::optional<Path>> PostgresConversationTables::primaryPath(
    const std::string& tenant, const std::string& conversation) {
  static const auto* const statement = new Statement(selectPaths(
      "WHERE p.tenant_id = $1 AND p.conversation_id = $2 AND p.is_primary", "get a primary path"));
  return firstOf(readPaths(*statement, {tenant, conversation}));
}

absl::StatusOr<std::vector<Path>> PostgresConversationTables::pathsOf(
    const std::string& tenant, const std::string& conversation, const PathQuery& query) {
  Binds binds{tenant, conversation};
  if (query.parent == PathParent::kOf) binds.push_back(bind(query.parent_path_id));
  return readPaths(listStatement(query.include_inactive, query.parent), binds);
}

absl::StatusOr<std::vector<Path>> PostgresConversationTables::chain(const std::string& tenant,
                                                                    const std::string& path) {
  // For each path by itself, as where the messages of a line are resolved.
  static const auto* const statement = new Statement(
      fmt::format(
          "WITH RECURSIVE line AS ("
          " SELECT id, parent_path_id, 0 AS depth FROM $schema.conversation_paths"
          "  WHERE tenant_id = $1 AND id = $2"
          " UNION ALL SELECT a.id, a.parent_path_id, line.depth + 1 FROM line"
          "  CROSS JOIN LATERAL (SELECT * FROM $schema.conversation_paths k"
          "   WHERE k.tenant_id = $1 AND k.id = line.parent_path_id LIMIT 1) a"
          "  WHERE line.depth < {}) "
          "SELECT {} FROM line CROSS JOIN LATERAL (SELECT * FROM $schema.conversation_paths k"
          " WHERE k.tenant_id = $1 AND k.id = line.id LIMIT 1) p"
          " ORDER BY line.depth DESC",
          kMaxPathDepth, columnsOfPath()),
      "find a path's ancestors", Effect::kReads);
  return readPaths(*statement, {tenant, path});
}

absl::StatusOr<PathUse> PostgresConversationTables::useOf(const std::string& tenant,
                                                          const std::string& path) {
  static const auto* const statement = new Statement(
      "SELECT (SELECT count(*) FROM $schema.conversation_paths WHERE tenant_id = $1"
      "         AND parent_path_id = $2),"
      " (SELECT count(*) FROM $schema.conversation_paths WHERE tenant_id = $1 AND "
      "merged_to_path_id = $2)",
      "see what hangs on a path", Effect::kReads);
  const auto answer = session_.run(*statement, Binds{tenant, path});
  if (!answer.ok()) return answer.status();
  PathUse use;
  absl::Status status =
      fromColumnText(typeInfo<std::int64_t>(), answer->rows.at(0, 0), &use.branches);
  if (status.ok()) {
    status = fromColumnText(typeInfo<std::int64_t>(), answer->rows.at(0, 1), &use.merged_into);
  }
  if (!status.ok()) return status;
  return use;
}

absl::Status PostgresConversationTables::insert(const Path& path) {
  static const auto* const statement =
      new Statement(fmt::format("INSERT INTO $schema.conversation_paths ({}) VALUES ({})",
                                columns().names(), columns().parameters(1)),
                    "create a path", Effect::kWrites);
  Binds binds;
  columns().bindTo(&path, binds);
  return write(*statement, binds);
}

absl::Status PostgresConversationTables::update(const Path& path) {
  static const auto* const statement = new Statement(
      fmt::format(
          "UPDATE $schema.conversation_paths SET {} WHERE tenant_id = $1 AND conversation_id = $3"
          " AND id = $2",
          columns().assignments(1, {"id", "conversation_id", "tenant_id"})),
      "update a path", Effect::kWrites);
  Binds binds;
  columns().bindTo(&path, binds);
  return write(*statement, binds);
}

absl::Status PostgresConversationTables::addToMessageCount(const std::string& tenant,
                                                           const std::string& path,
                                                           std::int64_t difference) {
  static const auto* const statement = new Statement(
      "UPDATE $schema.conversation_paths SET message_count = message_count + $3"
      " WHERE tenant_id = $1 AND id = $2",
      "count the messages of a path", Effect::kWrites);
  return write(*statement, {tenant, path, bind(difference)});
}

absl::Status PostgresConversationTables::removePath(const std::string& tenant,
                                                    const std::string& path) {
  static const auto* const messages =
      new Statement("DELETE FROM $schema.messages WHERE tenant_id = $1 AND path_id = $2",
                    "remove the messages of a path", Effect::kWrites);
  static const auto* const itself =
      new Statement("DELETE FROM $schema.conversation_paths WHERE tenant_id = $1 AND id = $2",
                    "remove a path", Effect::kWrites);
  absl::Status status = write(*messages, {tenant, path});
  return status.ok() ? write(*itself, {tenant, path}) : status;
}

}  // namespace strata::internal
