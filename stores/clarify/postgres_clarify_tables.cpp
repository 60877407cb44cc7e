#include "stores/clarify/postgres_clarify_tables.h"

#include <fmt/format.h>

#include "adapters/postgres/client/array_text.h"
#include "stores/base/postgres_records.h"
#include "strata/records/json_codec.h"

namespace strata::internal {
namespace {

using postgres::bind;
using postgres::Bound;
using postgres::Effect;
using postgres::Statement;
using Binds = std::vector<postgres::Bind>;

template <typename T>
const RecordColumns& columns() {
  static const auto* const made = new RecordColumns(ClarifyKind<T>::table, typeInfo<T>());
  return *made;
}

const RecordColumns& userColumns() {
  static const auto* const made = new RecordColumns("users", typeInfo<UserProfile>());
  return *made;
}

std::string arrayOf(absl::Span<const std::string> texts) {
  postgres::ArrayText array;
  for (const std::string& text : texts) array.append(text);
  return array.take();
}

// ---- The statements of each kind ----

template <typename T>
Statement selecting(const std::string& rest, std::string_view what) {
  return {fmt::format("SELECT {} FROM $schema.{} WHERE user_id = $1 {}", columns<T>().names(),
                      ClarifyKind<T>::table, rest),
          fmt::format("{} {}", what, ClarifyKind<T>::table), Effect::kReads};
}

template <typename T>
Statement removing(std::string_view which) {
  return {fmt::format("DELETE FROM $schema.{} WHERE user_id = $1 {}", ClarifyKind<T>::table, which),
          fmt::format("remove from {}", ClarifyKind<T>::table), Effect::kWrites};
}

// For each user by itself, so that as much is read of many as of one.
template <typename T>
Statement showingMany() {
  using Kind = ClarifyKind<T>;
  return {fmt::format("SELECT {} FROM unnest($1::text[]) AS asked (user_id) CROSS JOIN LATERAL"
                      " (SELECT * FROM $schema.{} k WHERE k.user_id = asked.user_id AND {}"
                      " ORDER BY {} LIMIT {}) s ORDER BY s.user_id, {}",
                      columns<T>().names("s"), Kind::table, Kind::shown, Kind::order,
                      Kind::shown_limit, Kind::order),
          fmt::format("show {} of many users", Kind::table), Effect::kReads, Bound::kPage};
}

template <typename T>
Statement inserting() {
  return {fmt::format("INSERT INTO $schema.{0} ({1}) SELECT {2}"
                      " FROM jsonb_populate_recordset(NULL::$schema.{0}, $2::jsonb) r"
                      " WHERE r.user_id = $1",
                      ClarifyKind<T>::table, columns<T>().names(), columns<T>().names("r")),
          fmt::format("insert into {}", ClarifyKind<T>::table), Effect::kWrites};
}

template <typename T>
struct KindStatements {
  using Kind = ClarifyKind<T>;

  Statement list = selecting<T>(fmt::format("ORDER BY {} LIMIT $2", Kind::order), "list");
  Statement list_of_status =
      selecting<T>(fmt::format("AND status = $3 ORDER BY {} LIMIT $2", Kind::order), "list");
  Statement show = selecting<T>(
      fmt::format("AND {} ORDER BY {} LIMIT {}", Kind::shown, Kind::order, Kind::shown_limit),
      "show");
  Statement show_many = showingMany<T>();
  Statement find = selecting<T>("AND id = $2", "find in");
  Statement lock = selecting<T>("AND id = $2 FOR NO KEY UPDATE", "lock in");
  Statement insert = inserting<T>();
  Statement update = {fmt::format("UPDATE $schema.{} SET {} WHERE user_id = $1 AND id = $2",
                                  Kind::table, columns<T>().assignments(1, {"user_id", "id"})),
                      fmt::format("update {}", Kind::table), Effect::kWrites};
  Statement remove = removing<T>("AND id = $2");
  Statement remove_all = removing<T>("");
};

template <typename T>
const KindStatements<T>& statementsOf() {
  static const auto* const statements = new KindStatements<T>();
  return *statements;
}

// ---- Answers ----

template <typename T>
absl::StatusOr<std::vector<T>> readRows(PostgresSession& session, const RecordColumns& columns,
                                        const Statement& statement, const Binds& binds) {
  const auto answer = session.run(statement, binds);
  if (!answer.ok()) return answer.status();
  return readAll<T>(columns, answer->rows);
}

template <typename T>
absl::StatusOr<std::optional<T>> readRow(PostgresSession& session, const RecordColumns& columns,
                                         const Statement& statement, const Binds& binds) {
  auto rows = readRows<T>(session, columns, statement, binds);
  if (!rows.ok()) return rows.status();
  return rows->empty() ? std::nullopt : std::optional(std::move(rows->front()));
}

}  // namespace

// ---- What users have ----

template <typename T, typename Base>
absl::StatusOr<std::vector<T>> PostgresClarifyRows<T, Base>::list(
    const std::string& user_id, const std::optional<Status>& status, std::int64_t limit) {
  Binds binds{user_id, bind(limit)};
  if constexpr (std::is_enum_v<Status>) {
    if (status) {
      binds.push_back(bind(*status));
      return readRows<T>(session_, columns<T>(), statementsOf<T>().list_of_status, binds);
    }
  }
  return readRows<T>(session_, columns<T>(), statementsOf<T>().list, binds);
}

template <typename T, typename Base>
absl::StatusOr<std::vector<T>> PostgresClarifyRows<T, Base>::shown(
    absl::Span<const std::string> user_ids) {
  if (user_ids.size() == 1) {
    return readRows<T>(session_, columns<T>(), statementsOf<T>().show, {user_ids.front()});
  }
  return readRows<T>(session_, columns<T>(), statementsOf<T>().show_many, {arrayOf(user_ids)});
}

template <typename T, typename Base>
absl::StatusOr<std::optional<T>> PostgresClarifyRows<T, Base>::find(const std::string& user_id,
                                                                    const std::string& id) {
  return readRow<T>(session_, columns<T>(), statementsOf<T>().find, {user_id, id});
}

template <typename T, typename Base>
absl::StatusOr<std::optional<T>> PostgresClarifyRows<T, Base>::lock(const std::string& user_id,
                                                                    const std::string& id) {
  return readRow<T>(session_, columns<T>(), statementsOf<T>().lock, {user_id, id});
}

template <typename T, typename Base>
absl::Status PostgresClarifyRows<T, Base>::doInsert(const std::string& user_id,
                                                    const std::vector<T>& records) {
  return session_.run(statementsOf<T>().insert, Binds{user_id, encodeJson(records)}).status();
}

template <typename T, typename Base>
absl::Status PostgresClarifyRows<T, Base>::doUpdate(const T& record) {
  Binds binds;
  columns<T>().bindTo(&record, binds);
  return session_.run(statementsOf<T>().update, binds).status();
}

template <typename T, typename Base>
absl::StatusOr<bool> PostgresClarifyRows<T, Base>::doRemove(const std::string& user_id,
                                                            const std::string& id) {
  const auto answer = session_.run(statementsOf<T>().remove, Binds{user_id, id});
  if (!answer.ok()) return answer.status();
  return answer->rows.any();
}

template <typename T, typename Base>
absl::Status PostgresClarifyRows<T, Base>::doRemoveAll(const std::string& user_id) {
  return session_.run(statementsOf<T>().remove_all, Binds{user_id}).status();
}

absl::StatusOr<std::optional<ClarifySession>> PostgresClarifySessionRows::doNoteMessage(
    const std::string& user_id, const std::string& id, Timestamp at) {
  static const auto* const statement = new Statement(
      fmt::format("UPDATE $schema.clarify_sessions SET message_count = message_count + 1,"
                  " last_message_at = greatest(last_message_at, $3)"
                  " WHERE user_id = $1 AND id = $2 RETURNING {}",
                  columns<ClarifySession>().names()),
      "note a message of a session", Effect::kWrites);
  return readRow<ClarifySession>(session(), columns<ClarifySession>(), *statement,
                                 {user_id, id, postgres::bind(at)});
}

template class PostgresClarifyRows<Dream>;
template class PostgresClarifyRows<ClarifyPattern>;
template class PostgresClarifyRows<ClarifySession, ClarifySessionRows>;
template class PostgresClarifyRows<Reflection>;

// ---- Users ----

// For each user by itself, as above: a look into the index each, however few users there are.
absl::StatusOr<std::vector<UserProfile>> PostgresClarifyTables::users(
    absl::Span<const std::string> ids) {
  static const auto* const one = new Statement(
      fmt::format("SELECT {} FROM $schema.users WHERE id = $1", userColumns().names()),
      "get a user", Effect::kReads);
  static const auto* const many =
      new Statement(fmt::format("SELECT {} FROM unnest($1::text[]) AS asked (id) CROSS JOIN LATERAL"
                                " (SELECT * FROM $schema.users k WHERE k.id = asked.id LIMIT 1) u",
                                userColumns().names("u")),
                    "get many users", Effect::kReads, Bound::kPage);
  if (ids.size() == 1) {
    return readRows<UserProfile>(session_, userColumns(), *one, {ids.front()});
  }
  return readRows<UserProfile>(session_, userColumns(), *many, {arrayOf(ids)});
}

absl::StatusOr<std::optional<UserProfile>> PostgresClarifyTables::lockUser(const std::string& id) {
  static const auto* const statement =
      new Statement(fmt::format("SELECT {} FROM $schema.users WHERE id = $1 FOR NO KEY UPDATE",
                                userColumns().names()),
                    "lock a user", Effect::kReads);
  return readRow<UserProfile>(session_, userColumns(), *statement, {id});
}

absl::StatusOr<UserProfile> PostgresClarifyTables::doPutUser(const UserProfile& user) {
  static const auto* const statement = new Statement(
      fmt::format("INSERT INTO $schema.users ({0}) VALUES ({1}) ON CONFLICT (id) DO UPDATE SET"
                  " name = excluded.name, tier = excluded.tier,"
                  " updated_at = greatest(users.updated_at, excluded.updated_at) RETURNING {0}",
                  userColumns().names(), userColumns().parameters(1)),
      "put a user", Effect::kWrites);
  Binds binds;
  userColumns().bindTo(&user, binds);
  auto stored = readRow<UserProfile>(session_, userColumns(), *statement, binds);
  if (!stored.ok()) return stored.status();
  return **std::move(stored);
}

absl::Status PostgresClarifyTables::doUpdateUser(const UserProfile& user) {
  static const auto* const statement =
      new Statement(fmt::format("UPDATE $schema.users SET {} WHERE id = $1",
                                userColumns().assignments(1, {"id"})),
                    "update a user", Effect::kWrites);
  Binds binds;
  userColumns().bindTo(&user, binds);
  return session_.run(*statement, binds).status();
}

absl::StatusOr<bool> PostgresClarifyTables::doRemoveUser(const std::string& id) {
  static const auto* const statement =
      new Statement("DELETE FROM $schema.users WHERE id = $1", "remove a user", Effect::kWrites);
  const auto answer = session_.run(*statement, Binds{id});
  if (!answer.ok()) return answer.status();
  return answer->rows.any();
}

}  // namespace strata::internal
