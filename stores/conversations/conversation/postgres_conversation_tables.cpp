// Conversations; their paths are in postgres_paths.cpp, their messages in postgres_messages.cpp.
#include "stores/conversations/conversation/postgres_conversation_tables.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "adapters/postgres/client/array_text.h"
#include "strata/store/page_bound.h"

namespace strata::internal {
namespace {

using postgres::bind;
using postgres::Bound;
using postgres::Effect;
using postgres::Statement;

const RecordColumns& columns() {
  static const auto* const made = new RecordColumns("conversations", typeInfo<Conversation>());
  return *made;
}

// "SELECT columns, version FROM $schema.conversations c " and so on.
Statement selectConversations(const std::string& rest, const char* what,
                              Bound bound = Bound::kNone) {
  return Statement(fmt::format("SELECT {}, c.row_version FROM $schema.conversations c {}",
                               columns().names("c"), rest),
                   what, Effect::kReads, bound);
}

// The rules of authorization.h for kRead, in SQL; $2 is the reader.
constexpr const char* kMayRead =
    "(c.user_id IS NULL OR c.user_id = $2 OR CASE c.authorization_model"
    " WHEN 'openfga' THEN c.authorization_spec->>'fallback_audience' ELSE c.share_audience END"
    " IN ('tenant', 'public'))";

// As the indexes have it; COALESCE would keep row-level security from using them for a range.
constexpr const char* kActivity =
    "CASE WHEN c.last_message_at IS NULL THEN c.created_at ELSE c.last_message_at END";

// One for each combination, so that each has the plan that suits it. $3: the limit; $4, $5: where
// the page before ended.
Statement listSql(ConversationStatus status, bool goes_on) {
  const char* const archived = status == ConversationStatus::kAll ? ""
                               : status == ConversationStatus::kActive
                                   ? "AND c.archived_at IS NULL"
                                   : "AND c.archived_at IS NOT NULL";
  const std::string after =
      goes_on ? fmt::format("AND ({}, c.id) < ($4::timestamptz, $5::uuid)", kActivity) : "";
  return selectConversations(
      fmt::format("WHERE c.tenant_id = $1 {} {} AND {} ORDER BY {} DESC, c.id DESC LIMIT $3",
                  archived, after, kMayRead, kActivity),
      "list conversations", Bound::kPage);
}

// The same, which ends with the row in which it becomes larger than a page. What is summed up are
// the texts that can be long. Costs a sort of the page, so not for pages that are never so large.
Statement cutAtPage(const Statement& list) {
  return Statement(
      fmt::format(
          "SELECT {0} FROM (SELECT q.*, sum(q.bytes) OVER (ORDER BY q.place) AS so_far FROM"
          " (SELECT c.*, row_number() OVER () AS place, coalesce(octet_length(c.title), 0) +"
          " octet_length(c.authorization_spec::text) + octet_length(c.jurisdictions::text)"
          " AS bytes FROM ({1}) c) q) c WHERE so_far - bytes <= {2} ORDER BY place",
          columns().names("c"), list.sql(), kMaxPageBytes),
      list.what(), Effect::kReads);
}

const Statement& listStatement(const ListFilter& filter) {
  using Kind = std::tuple<ConversationStatus, bool, bool>;
  static const auto* const statements = [] {
    auto* made = new std::map<Kind, Statement>();
    for (const auto s :
         {ConversationStatus::kActive, ConversationStatus::kArchived, ConversationStatus::kAll}) {
      for (const bool on : {false, true}) {
        made->emplace(Kind(s, on, false), listSql(s, on));
        made->emplace(Kind(s, on, true), cutAtPage(listSql(s, on)));
      }
    }
    return made;
  }();
  return statements->at({filter.status, filter.after.has_value(), filter.mayExceedAPage()});
}

}  // namespace

absl::StatusOr<std::vector<Snapshot<Conversation>>> PostgresConversationTables::readConversations(
    const Statement& statement, const Binds& binds) {
  const auto answer = session_.run(statement, binds);
  if (!answer.ok()) return answer.status();
  std::vector<Snapshot<Conversation>> found;
  const int version_column = static_cast<int>(typeInfo<Conversation>().fields.size());
  for (int row = 0; row < answer->rows.size(); ++row) {
    auto record = std::make_shared<Conversation>();
    absl::Status status = columns().read(answer->rows, row, record.get());
    if (!status.ok()) return status;
    const std::string_view digits = answer->rows.at(row, version_column).value_or("0");
    std::int64_t version = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), version);
    found.emplace_back(std::move(record), Version(version));
  }
  return found;
}

absl::StatusOr<Snapshot<Conversation>> PostgresConversationTables::readConversation(
    const Statement& statement, const Binds& binds) {
  auto found = readConversations(statement, binds);
  if (!found.ok()) return found.status();
  return found->empty() ? Snapshot<Conversation>() : found->front();
}

absl::StatusOr<Snapshot<Conversation>> PostgresConversationTables::conversation(
    const std::string& tenant, const std::string& id) {
  static const auto* const statement = new Statement(
      selectConversations("WHERE c.tenant_id = $1 AND c.id = $2", "get a conversation"));
  return readConversation(*statement, {tenant, id});
}

absl::StatusOr<std::vector<Snapshot<Conversation>>> PostgresConversationTables::conversations(
    const std::string& tenant, absl::Span<const std::string> ids) {
  // Each by itself: for ANY($2), PostgreSQL reads all conversations of the tenant where its statistics
  // are older than most of them.
  static const auto* const statement = new Statement(
      fmt::format("SELECT {}, c.row_version FROM unnest($2::uuid[]) AS asked(id) CROSS JOIN LATERAL"
                  " (SELECT * FROM $schema.conversations k WHERE k.tenant_id = $1 AND k.id = "
                  "asked.id LIMIT 1) c",
                  columns().names("c")),
      "get many conversations", Effect::kReads, Bound::kPage);
  postgres::ArrayText array;
  for (const std::string& id : ids) array.append(id);
  auto rows = readConversations(*statement, {tenant, array.take()});
  if (!rows.ok()) return rows.status();
  std::map<std::string, Snapshot<Conversation>> by_id;
  for (Snapshot<Conversation>& row : *rows) by_id.emplace(row->id, row);
  std::vector<Snapshot<Conversation>> found;
  for (const std::string& id : ids) found.push_back(by_id[id]);
  return found;
}

absl::StatusOr<Snapshot<Conversation>> PostgresConversationTables::lockConversation(
    const std::string& tenant, const std::string& id) {
  static const auto* const statement = new Statement(selectConversations(
      "WHERE c.tenant_id = $1 AND c.id = $2 FOR NO KEY UPDATE", "lock a conversation"));
  return readConversation(*statement, {tenant, id});
}

absl::StatusOr<Snapshot<Conversation>> PostgresConversationTables::lockConversationOfPath(
    const std::string& tenant, const std::string& id) {
  static const auto* const statement =
      new Statement(selectConversations("WHERE c.tenant_id = $1 AND c.id = (SELECT "
                                        "p.conversation_id FROM $schema.conversation_paths p"
                                        " WHERE p.tenant_id = $1 AND p.id = $2) FOR NO KEY UPDATE",
                                        "lock the conversation of a path"));
  return readConversation(*statement, {tenant, id});
}

absl::StatusOr<Snapshot<Conversation>> PostgresConversationTables::lockConversationOfMessage(
    const std::string& tenant, const std::string& id) {
  static const auto* const statement = new Statement(selectConversations(
      "WHERE c.tenant_id = $1 AND c.id = (SELECT m.conversation_id FROM $schema.messages m"
      " WHERE m.tenant_id = $1 AND m.id = $2) FOR NO KEY UPDATE",
      "lock the conversation of a message"));
  return readConversation(*statement, {tenant, id});
}

absl::StatusOr<std::vector<Conversation>> PostgresConversationTables::list(
    const std::string& tenant, const ListFilter& filter) {
  Binds binds{tenant, bind(filter.reader), bind(filter.limit)};
  if (filter.after) {
    binds.push_back(bind(filter.after->active_at));
    binds.push_back(bind(filter.after->id));
  }
  const auto answer = session_.run(listStatement(filter), binds);
  if (!answer.ok()) return answer.status();
  return readAll<Conversation>(columns(), answer->rows);
}

absl::StatusOr<std::vector<Conversation>> PostgresConversationTables::needingCompaction(
    const std::string& tenant, const CompactionFilter& filter) {
  static const auto* const statement = new Statement(selectConversations(
      fmt::format("WHERE c.tenant_id = $1 AND c.archived_at IS NULL AND {0} >= $2::timestamptz"
                  " AND (c.last_compacted_at IS NULL OR c.last_compacted_at < $3::timestamptz)"
                  " AND (SELECT sum(p.message_count) FROM $schema.conversation_paths p"
                  "  WHERE p.tenant_id = $1 AND p.conversation_id = c.id) > $4"
                  " ORDER BY c.last_compacted_at NULLS FIRST, {0} DESC, c.id DESC LIMIT $5",
                  kActivity),
      "find conversations that need compaction", Bound::kPage));
  const auto answer = session_.run(
      *statement, Binds{tenant, bind(filter.active_since), bind(filter.not_compacted_since),
                        bind(filter.more_messages_than), bind(filter.limit)});
  if (!answer.ok()) return answer.status();
  return readAll<Conversation>(columns(), answer->rows);
}

absl::Status PostgresConversationTables::insertConversation(const Conversation& conversation) {
  static const auto* const statement =
      new Statement(fmt::format("INSERT INTO $schema.conversations ({}) VALUES ({})",
                                columns().names(), columns().parameters(1)),
                    "create a conversation", Effect::kWrites);
  Binds binds;
  columns().bindTo(&conversation, binds);
  return write(*statement, binds);
}

// The row is locked, so its version is taken in the order of its writes.
absl::Status PostgresConversationTables::updateConversation(const Conversation& conversation) {
  static const auto* const statement = new Statement(
      fmt::format(
          "UPDATE $schema.conversations SET {}, row_version = nextval('$schema.strata_row_version')"
          " WHERE tenant_id = $1 AND id = $2",
          columns().assignments(1, {"id", "tenant_id"})),
      "update a conversation", Effect::kWrites);
  Binds binds;
  columns().bindTo(&conversation, binds);
  return write(*statement, binds);
}

}  // namespace strata::internal
