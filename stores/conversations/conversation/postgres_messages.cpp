#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "stores/conversations/conversation/postgres_conversation_tables.h"
#include "strata/records/json_codec.h"
#include "strata/records/row_codec.h"

namespace strata::internal {
namespace {

using postgres::bind;
using postgres::Bound;
using postgres::Effect;
using postgres::Statement;

const RecordColumns& columns() {
  static const auto* const made = new RecordColumns("messages", typeInfo<Message>());
  return *made;
}

Statement selectMessages(const std::string& rest, const char* what, Bound bound = Bound::kPage) {
  return Statement(fmt::format("SELECT {} FROM $schema.messages m {}", columns().names("m"), rest),
                   what, Effect::kReads, bound);
}

// How many messages a page and those before it are; none: all.
std::optional<std::int64_t> lastOfPage(const ResolveQuery& query) {
  if (!query.limit) return std::nullopt;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return *query.limit > kMost - query.offset ? kMost : *query.limit + query.offset;
}

constexpr const char* kOrder = "m.created_at, m.sequence_in_path, m.id";

}  // namespace

absl::StatusOr<std::vector<Message>> PostgresConversationTables::readMessages(
    const Statement& statement, const Binds& binds) {
  const auto answer = session_.run(statement, binds);
  if (!answer.ok()) return answer.status();
  return readAll<Message>(columns(), answer->rows);
}

absl::StatusOr<std::optional<Message>> PostgresConversationTables::message(
    const std::string& tenant, const std::string& id) {
  static const auto* const statement = new Statement(
      selectMessages("WHERE m.tenant_id = $1 AND m.id = $2", "get a message", Bound::kNone));
  auto found = readMessages(*statement, {tenant, id});
  if (!found.ok()) return found.status();
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

absl::StatusOr<std::vector<Message>> PostgresConversationTables::newestMessages(
    const std::string& tenant, const std::string& conversation,
    const std::optional<std::string>& path, std::int64_t limit) {
  // Turned round here: where PostgreSQL is asked to, it reads all messages of the conversation, or
  // of the tenant, whenever its statistics are older than most of them.
  static const auto* const of_all = new Statement(
      selectMessages("WHERE m.tenant_id = $1 AND m.conversation_id = $2"
                     " ORDER BY m.created_at DESC, m.sequence_in_path DESC, m.id DESC LIMIT $3",
                     "get messages"));
  // Nothing about the conversation: PostgreSQL, which does not know that a path has but one, would
  // expect few rows, and read and sort them all.
  static const auto* const of_path =
      new Statement(selectMessages("WHERE m.tenant_id = $1 AND m.path_id = $2"
                                   " ORDER BY m.sequence_in_path DESC LIMIT $3",
                                   "get messages"));
  auto newest =
      readMessages(path ? *of_path : *of_all, {tenant, path.value_or(conversation), bind(limit)});
  if (newest.ok()) std::reverse(newest->begin(), newest->end());
  return newest;
}

absl::StatusOr<std::vector<Message>> PostgresConversationTables::resolvedMessages(
    const std::string& tenant, const std::string& path, const ResolveQuery& query) {
  // Up to where each path of the line is seen: all of the path itself, and of every ancestor up to
  // the message that the next one branches from. For each path by itself, so that PostgreSQL goes
  // up the line by the indexes, however few rows its statistics make it expect; and no more of each
  // than the page could be made of, so that a page costs what it holds and skips, for each path of
  // the line, and not what the line holds.
  static const auto* const statement = new Statement(
      fmt::format(
          "WITH RECURSIVE line AS ("
          " SELECT id, parent_path_id, branch_point_message_id, NULL::bigint AS up_to, 0 AS depth"
          "  FROM $schema.conversation_paths WHERE tenant_id = $1 AND id = $2"
          " UNION ALL SELECT a.id, a.parent_path_id, a.branch_point_message_id,"
          "  b.sequence_in_path, line.depth + 1 FROM line"
          "  CROSS JOIN LATERAL (SELECT * FROM $schema.conversation_paths k"
          "   WHERE k.tenant_id = $1 AND k.id = line.parent_path_id LIMIT 1) a"
          "  CROSS JOIN LATERAL (SELECT sequence_in_path FROM $schema.messages k"
          "   WHERE k.tenant_id = $1 AND k.id = line.branch_point_message_id LIMIT 1) b"
          "  WHERE line.depth < {}) "
          "SELECT {} FROM line CROSS JOIN LATERAL (SELECT * FROM $schema.messages k"
          " WHERE k.tenant_id = $1 AND k.path_id = line.id"
          " AND k.sequence_in_path <= coalesce(line.up_to, 9223372036854775807)"
          " AND ($3 OR k.deleted_at IS NULL) AND (NOT $4 OR k.is_pinned)"
          " AND ($5::text IS NULL OR k.role = $5)"
          " ORDER BY k.sequence_in_path LIMIT $8) m"
          " ORDER BY line.depth DESC, m.sequence_in_path LIMIT $6 OFFSET $7",
          kMaxPathDepth, columns().names("m")),
      "resolve the messages of a path", Effect::kReads, Bound::kPage);
  const std::optional<std::int64_t> last = lastOfPage(query);
  return readMessages(*statement,
                      {tenant, path, bind(query.include_deleted), bind(query.pinned_only),
                       bind(query.role), bind(query.limit), bind(query.offset), bind(last)});
}

absl::StatusOr<std::vector<Message>> PostgresConversationTables::liveMessages(
    const std::string& tenant, const std::string& path) {
  static const auto* const statement = new Statement(
      selectMessages("WHERE m.tenant_id = $1 AND m.path_id = $2 AND m.deleted_at IS NULL"
                     " ORDER BY m.sequence_in_path",
                     "get the messages of a path", Bound::kNone));
  return readMessages(*statement, {tenant, path});
}

absl::StatusOr<std::vector<Message>> PostgresConversationTables::branchPoints(
    const std::string& tenant, const std::string& path) {
  static const auto* const statement =
      new Statement(selectMessages("WHERE m.tenant_id = $1 AND m.path_id = $2 AND m.is_branch_point"
                                   " ORDER BY m.sequence_in_path",
                                   "get the branch points of a path"));
  return readMessages(*statement, {tenant, path});
}

absl::StatusOr<std::vector<Message>> PostgresConversationTables::pinnedMessages(
    const std::string& tenant, const std::string& conversation,
    const std::optional<std::string>& path) {
  static const auto* const statement = new Statement(
      selectMessages(fmt::format("WHERE m.tenant_id = $1 AND m.conversation_id = $2"
                                 " AND m.is_pinned AND m.deleted_at IS NULL"
                                 " AND ($3::uuid IS NULL OR m.path_id = $3) ORDER BY {}",
                                 kOrder),
                     "get pinned messages"));
  return readMessages(*statement, {tenant, conversation, bind(path)});
}

absl::StatusOr<std::int64_t> PostgresConversationTables::pinnedCount(
    const std::string& tenant, const std::string& conversation,
    const std::optional<std::string>& path) {
  static const auto* const statement = new Statement(
      "SELECT count(*) FROM $schema.messages WHERE tenant_id = $1 AND conversation_id = $2 AND "
      "is_pinned"
      " AND deleted_at IS NULL AND ($3::uuid IS NULL OR path_id = $3)",
      "count pinned messages", Effect::kReads);
  const auto answer = session_.run(*statement, Binds{tenant, conversation, bind(path)});
  if (!answer.ok()) return answer.status();
  std::int64_t count = 0;
  absl::Status status = fromColumnText(typeInfo<std::int64_t>(), answer->rows.at(0, 0), &count);
  if (!status.ok()) return status;
  return count;
}

// One statement for any number of messages, which travel as JSON: a member per column. Their
// sequences in it are counted from 1; the server adds those that the path has.
absl::Status PostgresConversationTables::appendMessages(const std::string& tenant,
                                                        std::vector<Message>& messages) {
  static const auto* const statement = new Statement(
      fmt::format(
          "WITH last AS (SELECT coalesce(max(sequence_in_path), 0) AS sequence FROM "
          "$schema.messages"
          "  WHERE tenant_id = $1 AND path_id = $2),"
          " counted AS (UPDATE $schema.conversation_paths SET message_count = message_count + $4,"
          "  updated_at = $5 WHERE tenant_id = $1 AND id = $2),"
          " touched AS (UPDATE $schema.conversations SET last_message_at = $5, updated_at = $5,"
          "  row_version = nextval('$schema.strata_row_version') WHERE tenant_id = $1 AND id = $6),"
          " added AS (INSERT INTO $schema.messages (tenant_id, {0}) SELECT $1, {1}"
          "  FROM jsonb_array_elements($3::jsonb) WITH ORDINALITY e, last,"
          "  jsonb_populate_record(NULL::$schema.messages, e.value ||"
          "   jsonb_build_object('sequence_in_path', last.sequence + e.ordinality)) m)"
          " SELECT sequence FROM last",
          columns().names(), columns().names("m")),
      "append messages", Effect::kWrites);
  const Message& newest = messages.back();
  const auto answer = session_.run(
      *statement, Binds{tenant, newest.path_id, encodeJson(messages), bind(messages.size()),
                        bind(newest.created_at), newest.conversation_id});
  if (!answer.ok()) return answer.status();
  std::int64_t last = 0;
  absl::Status status = fromColumnText(typeInfo<std::int64_t>(), answer->rows.at(0, 0), &last);
  for (Message& message : messages) message.sequence_in_path = ++last;
  return status;
}

absl::Status PostgresConversationTables::update(const std::string& tenant, const Message& message) {
  static const auto* const statement =
      new Statement(fmt::format("UPDATE $schema.messages SET {} WHERE tenant_id = $1 AND id = $2",
                                columns().assignments(2, {"id"})),
                    "update a message", Effect::kWrites);
  Binds binds{tenant};
  columns().bindTo(&message, binds);
  return write(*statement, binds);
}

}  // namespace strata::internal
