#include "adapters/postgres/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>

#include "adapters/postgres/array_text.h"
#include "strata/base/status.h"
#include "strata/records/row_codec.h"

namespace strata::postgres {
namespace {

// Serialises the DDL of all processes. Any number will do, if it stays the same.
constexpr std::string_view kDdlLock = "SELECT pg_advisory_xact_lock(5570193312718081);\n";

// What the database has under the entity's table's name.
struct Found {
  bool table = false;
  bool sequence = false;
  bool unique_key = false;
  std::map<std::string, std::string, std::less<>> columns;  // name → type
};

bool isOneOf(std::string_view text, std::initializer_list<std::string_view> texts) {
  return std::ranges::find(texts, text) != texts.end();
}

bool isInteger(std::string_view sql_type) {
  return isOneOf(sql_type, {"smallint", "integer", "bigint", "numeric"});
}

const TypeInfo& withoutOptional(const TypeInfo& type) {
  return type.kind == Kind::kOptional ? type.element() : type;
}

// Whether every value of a column of this type reads as text that a field of `type` understands.
bool canHold(const TypeInfo& field_type, std::string_view sql_type) {
  switch (withoutOptional(field_type).kind) {
    case Kind::kBool:
      return sql_type == "boolean";
    case Kind::kFloat:
    case Kind::kDouble:
      return isOneOf(sql_type, {"real", "double precision", "numeric"});
    case Kind::kString:
    case Kind::kEnum:
      return isOneOf(sql_type, {"text", "character varying", "uuid", "citext", "name", "enum"});
    case Kind::kTimestamp:
      return sql_type == "timestamp with time zone";
    case Kind::kList:
    case Kind::kMap:
    case Kind::kStruct:
    case Kind::kJson:
      return isOneOf(sql_type, {"jsonb", "json"});
    default:
      return isInteger(sql_type);
  }
}

// Two values that read differently must be different keys, so no citext; and a text that is no
// value of the type must be told without asking the server, so no enum.
bool canBeKey(std::string_view sql_type) {
  return isOneOf(sql_type, {"text", "character varying", "uuid"}) || isInteger(sql_type);
}

absl::Status lookAtTable(Pool& pool, const EntityInfo& entity, Found& found) {
  static const auto* const statement = new Statement(
      "SELECT to_regclass($1) IS NOT NULL, to_regclass($2) IS NOT NULL, EXISTS ("
      " SELECT FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique"
      " AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = cardinality($3::text[])"
      " AND $3::text[] <@ ARRAY(SELECT a.attname::text FROM pg_attribute a"
      "  JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, n) USING (attnum)"
      "  WHERE a.attrelid = i.indrelid AND k.n <= i.indnkeyatts))",
      "look at a table", Effect::kReads);
  ArrayText keys;
  for (std::string_view key : entity.key_columns) keys.append(key);
  const Bind binds[] = {quoteTable(entity.table), std::string(kRowVersionSequence), keys.take()};
  auto answer = pool.run(*statement, binds, {});
  if (!answer.ok()) return answer.status();
  found.table = answer->rows.at(0, 0) == "t";
  found.sequence = answer->rows.at(0, 1) == "t";
  found.unique_key = answer->rows.at(0, 2) == "t";
  return absl::OkStatus();
}

absl::Status lookAtColumns(Pool& pool, const EntityInfo& entity, Found& found) {
  static const auto* const statement = new Statement(
      "SELECT a.attname, CASE t.typtype WHEN 'e' THEN 'enum'"
      " WHEN 'd' THEN format_type(t.typbasetype, NULL) ELSE format_type(t.oid, NULL) END"
      " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
      " WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped",
      "look at a table's columns", Effect::kReads);
  const Bind binds[] = {quoteTable(entity.table)};
  auto answer = pool.run(*statement, binds, {});
  if (!answer.ok()) return answer.status();
  for (int row = 0; row < answer->rows.size(); ++row) {
    found.columns.emplace(*answer->rows.at(row, 0), *answer->rows.at(row, 1));
  }
  return absl::OkStatus();
}

absl::StatusOr<Found> look(Pool& pool, const EntityInfo& entity) {
  Found found;
  absl::Status status = lookAtTable(pool, entity, found);
  if (status.ok()) status = lookAtColumns(pool, entity, found);
  if (!status.ok()) return annotate(status, entity.table);
  return found;
}

// What `createTableSql` would add.
std::vector<std::string> missing(const EntityInfo& entity, const Found& found) {
  if (!found.table) return {"the table"};
  std::vector<std::string> parts;
  const auto need = [&](std::string_view column) {
    if (!found.columns.contains(column)) parts.push_back(fmt::format("column {}", column));
  };
  if (entity.has_own_id_column) need(entity.key_columns.front());
  for (const Field& field : entity.typeInfo().fields) need(field.name);
  need(kRowVersionColumn);
  if (!found.sequence) parts.push_back(fmt::format("sequence {}", kRowVersionSequence));
  return parts;
}

// What nothing but a migration can change. Asked only when nothing is missing.
std::vector<std::string> misfits(const EntityInfo& entity, const Found& found) {
  std::vector<std::string> parts;
  const auto complain = [&](std::string_view column, std::string_view wanted) {
    parts.push_back(fmt::format("column {} is {} and not {}", column,
                                found.columns.find(column)->second, wanted));
  };
  for (const Field& field : entity.typeInfo().fields) {
    const TypeInfo& type = field.type();
    if (!canHold(type, found.columns.find(field.name)->second)) {
      complain(field.name, columnType(type));
    }
  }
  for (std::string_view key : entity.key_columns) {
    if (!canBeKey(found.columns.find(key)->second)) complain(key, "a type for a key");
  }
  if (found.columns.find(kRowVersionColumn)->second != "bigint") {
    complain(kRowVersionColumn, "bigint");
  }
  if (!found.unique_key) {
    parts.push_back(fmt::format("no unique index on ({})", fmt::join(entity.key_columns, ", ")));
  }
  return parts;
}

absl::Status create(Pool& pool, const EntityInfo& entity) {
  auto lease = pool.lease({});
  if (!lease.ok()) return annotate(lease.status(), entity.table);
  return (*lease)->script(std::string(kDdlLock) + createTableSql(entity),
                          fmt::format("create or extend table {}", entity.table));
}

absl::Status explain(const EntityInfo& entity, std::string_view problem,
                     const std::vector<std::string>& parts) {
  return absl::FailedPreconditionError(
      fmt::format("table {} {}: {}", entity.table, problem, fmt::join(parts, ", ")));
}

bool isCanonicalUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

template <typename Integer>
bool isCanonical(std::string_view text) {
  Integer value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && std::to_string(value) == text;
}

bool isCanonicalInteger(std::string_view sql_type, std::string_view text) {
  if (sql_type == "smallint") return isCanonical<std::int16_t>(text);
  if (sql_type == "integer") return isCanonical<std::int32_t>(text);
  if (sql_type == "bigint") return isCanonical<std::int64_t>(text);
  return isCanonical<std::int64_t>(text) || isCanonical<std::uint64_t>(text);
}

}  // namespace

absl::StatusOr<std::vector<KeyColumn>> ensureTable(Pool& pool, const EntityInfo& entity,
                                                   SchemaPolicy policy) {
  if (absl::Status status = checkEntity(entity); !status.ok()) return status;
  absl::StatusOr<Found> found = look(pool, entity);
  if (!found.ok()) return found.status();
  if (!missing(entity, *found).empty() && policy == SchemaPolicy::kCreateOrExtend) {
    if (absl::Status status = create(pool, entity); !status.ok()) return status;
    found = look(pool, entity);
    if (!found.ok()) return found.status();
  }
  if (const auto parts = missing(entity, *found); !parts.empty()) {
    return explain(entity, "is not complete (run the SQL of createTableSql); missing", parts);
  }
  if (const auto parts = misfits(entity, *found); !parts.empty()) {
    return explain(entity, "does not fit its entity", parts);
  }
  std::vector<KeyColumn> keys;
  for (std::string_view key : entity.key_columns) {
    keys.push_back({.name = key,
                    .sql_type = found->columns.find(key)->second,
                    .member = entity.has_own_id_column ? nullptr : memberNamed(entity, key)});
  }
  return keys;
}

absl::Status checkKeyText(const KeyColumn& column, std::string_view text) {
  if (column.sql_type == "uuid" && !isCanonicalUuid(text)) {
    return absl::InvalidArgumentError(
        fmt::format("the id's {} is not a UUID in lower-case hexadecimal digits", column.name));
  }
  if (isInteger(column.sql_type) && !isCanonicalInteger(column.sql_type, text)) {
    return absl::InvalidArgumentError(
        fmt::format("the id's {} is not a {}", column.name, column.sql_type));
  }
  return absl::OkStatus();
}

}  // namespace strata::postgres
