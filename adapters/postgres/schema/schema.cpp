#include "adapters/postgres/schema/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "absl/strings/match.h"
#include "adapters/postgres/schema/column_fit.h"
#include "adapters/postgres/schema/schema_change.h"
#include "adapters/postgres/schema/table_catalog.h"
#include "strata/base/logging.h"
#include "strata/records/described.h"
#include "strata/records/row_codec.h"

namespace strata::postgres {
namespace {

// Serialises the DDL of all processes. Any number will do, if it stays the same.
constexpr std::int64_t kDdlTurn = 5570193312718081;

// A statement_timeout made for short queries would end the wait for a lock before its time.
constexpr std::string_view kDdlSettings =
    "SELECT set_config('statement_timeout', greatest(setting::int, 5000)::text, true)"
    " FROM pg_settings WHERE name = 'statement_timeout' AND setting::int > 0";

bool isOneOf(std::string_view text, std::initializer_list<std::string_view> texts) {
  return std::ranges::find(texts, text) != texts.end();
}

// Why a column cannot be a key, or none. Two values that the database holds equal must be one text,
// for a cache keeps a copy for each text; and a text that is no value of the type must be told
// without asking the server, which rules out an enum.
std::optional<std::string> whyNoKey(const FoundColumn& column) {
  if (!column.loose_collation.empty()) {
    return fmt::format(
        "has the nondeterministic collation \"{}\", by which texts that differ are one"
        " key; use a deterministic one, such as \"C\"",
        column.loose_collation);
  }
  if (column.type == "numeric" && column.scale != 0) {
    return "is numeric with decimals, of which 1 and 1.0 are one key; use numeric(20) or bigint";
  }
  if (isOneOf(column.type, {"text", "character varying", "uuid"}) || isIntegerType(column.type)) {
    return std::nullopt;
  }
  if (column.type == "citext") {
    return "is citext, of which texts that differ are one key; use text";
  }
  if (column.type == "character") {
    return "is character(n), which ignores blanks at the end of a key; use text";
  }
  return fmt::format("is {} and not a type for a key; use text, uuid or an integer", column.type);
}

absl::StatusOr<FoundTable> look(Pool& pool, const EntityInfo& entity) {
  return lookUpTable([&](const Statement& statement,
                         absl::Span<const Bind> binds) { return pool.run(statement, binds, {}); },
                     entity);
}

absl::StatusOr<FoundTable> look(Connection& connection, const EntityInfo& entity) {
  return lookUpTable(
      [&](const Statement& statement, absl::Span<const Bind> binds) -> absl::StatusOr<Answer> {
        absl::StatusOr<Rows> rows = connection.run(statement, binds, {});
        if (!rows.ok()) return rows.status();
        return Answer{.lease = {}, .rows = *rows};
      },
      entity);
}

// What `createTableSql` would add.
struct Missing {
  bool table = false;
  bool sequence = false;
  std::vector<std::string> columns;

  bool any() const { return table || sequence || !columns.empty(); }
};

Missing missing(const EntityInfo& entity, const FoundTable& found) {
  Missing parts{.table = !found.exists(), .sequence = found.sequence.schema.empty(), .columns = {}};
  if (parts.table) return parts;
  const auto need = [&](std::string_view column) {
    if (!found.columns.contains(column)) parts.columns.emplace_back(column);
  };
  if (entity.has_own_id_column) need(entity.key_columns.front());
  for (const Field& field : entity.typeInfo().fields) need(field.name);
  need(kRowVersionColumn);
  return parts;
}

std::vector<std::string> inWords(const Missing& missing) {
  if (missing.table) return {"the table"};
  std::vector<std::string> parts;
  for (const std::string& column : missing.columns) {
    parts.push_back(fmt::format("column {}", column));
  }
  if (missing.sequence) parts.push_back(fmt::format("sequence {}", kRowVersionSequence));
  return parts;
}

std::string_view kindInWords(char kind) {
  switch (kind) {
    case 'v':
      return "a view";
    case 'm':
      return "a materialized view";
    case 'f':
      return "a foreign table";
    default:
      return "no table";
  }
}

// What makes a table answer something else than its rows, and no column can mend.
std::vector<std::string> oddities(const FoundTable& found) {
  std::vector<std::string> parts;
  if (!found.exists()) return parts;
  if (found.kind != 'r' && found.kind != 'p') {
    parts.push_back(fmt::format("it is {} and not a table", kindInWords(found.kind)));
  }
  if (found.temporary) parts.emplace_back("it is a temporary table, which one session sees");
  if (found.kind == 'p' && !found.has_partitions) {
    parts.emplace_back("it is a partitioned table without partitions, which takes no row");
  }
  if (found.has_children) {
    parts.emplace_back("other tables inherit from it, and its unique index does not cover them");
  }
  if (!found.rules.empty()) {
    parts.push_back(fmt::format("rules rewrite its statements ({})", found.rules));
  }
  if (found.row_security) {
    parts.push_back(fmt::format(
        "row-level security hides rows from role {}; use a role with BYPASSRLS", found.role));
  }
  return parts;
}

bool isMapped(const EntityInfo& entity, std::string_view column) {
  return column == kRowVersionColumn || memberNamed(entity, column) != nullptr ||
         (entity.has_own_id_column && column == entity.key_columns.front());
}

// Why no row can be inserted because of a column that the entity does not know, or none.
std::optional<std::string> whyInTheWay(const FoundColumn& column, const FoundTable& table) {
  const bool is_filled = column.fills_itself || column.takes_no_value || table.has_insert_trigger;
  if (!column.not_null || is_filled) return std::nullopt;
  return fmt::format(
      "is {} NOT NULL without a default, and no member of the entity; it needs a default",
      column.declared);
}

// Columns that are missing while another one has the same name but for its case: that one is meant,
// and to add one more beside it would hide what it holds.
std::vector<std::string> misspelled(const EntityInfo& entity, const FoundTable& found) {
  std::vector<std::string> parts;
  for (const std::string& wanted : missing(entity, found).columns) {
    for (const auto& [name, column] : found.columns) {
      if (!absl::EqualsIgnoreCase(name, wanted) || isMapped(entity, name)) continue;
      parts.push_back(fmt::format(
          "column {} is missing, while there is {}: an SQL name without quotes is stored in lower"
          " case; rename the column or the member",
          wanted, name));
    }
  }
  return parts;
}

// What nothing but a migration can change. Asked only when nothing is missing.
std::vector<std::string> misfits(const EntityInfo& entity, const FoundTable& found) {
  std::vector<std::string> parts;
  for (std::string_view key : entity.key_columns) {
    if (const auto why = whyNoKey(found.columns.find(key)->second)) {
      parts.push_back(fmt::format("key column {} {}", key, *why));
    }
  }
  const auto require = [&](std::string_view name, const std::optional<std::string>& objection) {
    if (objection) parts.push_back(fmt::format("column {} {}", name, *objection));
  };
  for (const Field& field : entity.typeInfo().fields) {
    require(field.name, whyUnfit(found.columns.find(field.name)->second, field.type()));
  }
  const FoundColumn& version = found.columns.find(kRowVersionColumn)->second;
  require(kRowVersionColumn, version.type == "bigint"
                                 ? whyUnfit(version, typeInfo<std::int64_t>())
                                 : fmt::format("is {} and not bigint", version.declared));
  for (const auto& [name, column] : found.columns) {
    require(name, isMapped(entity, name) ? whyClosed(column, found) : whyInTheWay(column, found));
  }
  if (!found.unique_key) {
    parts.push_back(fmt::format("no unique index on ({})", fmt::join(entity.key_columns, ", ")));
  }
  if (!found.loose_index.empty()) {
    parts.push_back(
        fmt::format("unique index {} has a nondeterministic collation, by which keys"
                    " that differ are one",
                    found.loose_index));
  }
  if (!found.sequence.in_order) {
    parts.push_back(
        fmt::format("sequence {} does not count up in order: it needs INCREMENT 1"
                    " CACHE 1 NO CYCLE",
                    kRowVersionSequence));
  }
  return parts;
}

std::string changeSql(const EntityInfo& entity, const Missing& missing) {
  if (missing.table) return createTableSql(entity);
  std::string sql;
  if (missing.sequence) {
    sql = fmt::format("CREATE SEQUENCE IF NOT EXISTS {};", quoteIdentifier(kRowVersionSequence));
  }
  if (!missing.columns.empty()) sql += addColumnsSql(entity, missing.columns);
  return sql;
}

// Whether it changed anything: another process may have made what was missing meanwhile, and then
// no lock of the table is asked for.
absl::StatusOr<bool> create(Pool& pool, const EntityInfo& entity, absl::Duration patience) {
  bool changed = false;
  const SchemaChange change{.what = fmt::format("create or extend table {}", entity.table),
                            .turn = kDdlTurn,
                            .settings = kDdlSettings,
                            .patience = patience,
                            .counts_turns_of_others = true};
  absl::Status status = changeSchema(pool, change, [&](Connection& connection) -> absl::Status {
    const absl::StatusOr<FoundTable> found = look(connection, entity);
    if (!found.ok()) return found.status();
    const Missing parts = missing(entity, *found);
    changed = parts.any();
    return changed ? connection.script(changeSql(entity, parts), "run the DDL") : absl::OkStatus();
  });
  if (!status.ok()) return status;
  return changed;
}

absl::Status explain(const EntityInfo& entity, const FoundTable& found, std::string_view problem,
                     const std::vector<std::string>& parts) {
  const std::string schema = found.exists() ? fmt::format(" of schema {}", found.schema) : "";
  return absl::FailedPreconditionError(
      fmt::format("table {}{} {}: {}", entity.table, schema, problem, fmt::join(parts, ", ")));
}

// Whether the missing parts can be created where search_path leads. A table that names its schema
// still needs it for the sequence.
absl::Status checkSearchPath(const EntityInfo& entity, const FoundTable& found) {
  const Missing parts = missing(entity, found);
  const bool has_schema = entity.table.find('.') != std::string_view::npos;
  const bool needs_schema = parts.sequence || (parts.table && !has_schema);
  if (!needs_schema || !found.creation_schema.empty()) return absl::OkStatus();
  return noSchemaToCreateIn(fmt::format("table {}", entity.table), found.search_path);
}

absl::Status check(const EntityInfo& entity, const FoundTable& found) {
  if (const auto parts = oddities(found); !parts.empty()) {
    return explain(entity, found, "cannot be used", parts);
  }
  if (const auto parts = misspelled(entity, found); !parts.empty()) {
    return explain(entity, found, "does not fit its entity", parts);
  }
  if (const Missing parts = missing(entity, found); parts.any()) {
    return explain(entity, found, "is not complete (run the SQL of createTableSql); missing",
                   inWords(parts));
  }
  if (const auto parts = misfits(entity, found); !parts.empty()) {
    return explain(entity, found, "does not fit its entity", parts);
  }
  return absl::OkStatus();
}

TableLayout layoutOf(const EntityInfo& entity, const FoundTable& found) {
  const auto qualified = [](std::string_view schema, std::string_view name) {
    return fmt::format("{}.{}", quoteIdentifier(schema), quoteIdentifier(name));
  };
  TableLayout layout{.table = qualified(found.schema, found.name),
                     .sequence = qualified(found.sequence.schema, kRowVersionSequence),
                     .keys = {},
                     .limits = {}};
  for (const Field& field : entity.typeInfo().fields) {
    const FoundColumn& column = found.columns.find(field.name)->second;
    if (column.type != "character varying" || column.length < 0) continue;
    layout.limits.push_back({.member = &field, .length = column.length});
  }
  for (std::string_view key : entity.key_columns) {
    const FoundColumn& column = found.columns.find(key)->second;
    layout.keys.push_back(
        {.name = key,
         .sql_type = column.type,
         .length = column.length,
         .member = entity.has_own_id_column ? nullptr : memberNamed(entity, key)});
  }
  return layout;
}

// Of UTF-8.
int charactersOf(std::string_view text) {
  return static_cast<int>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
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

absl::StatusOr<TableLayout> ensureTable(Pool& pool, const EntityInfo& entity, SchemaPolicy policy,
                                        absl::Duration patience) {
  if (absl::Status status = checkEntity(entity); !status.ok()) return status;
  absl::StatusOr<FoundTable> found = look(pool, entity);
  if (!found.ok()) return found.status();
  bool changed = false;
  const bool creates = policy == SchemaPolicy::kCreateOrExtend && missing(entity, *found).any();
  if (creates && oddities(*found).empty() && misspelled(entity, *found).empty()) {
    if (absl::Status status = checkSearchPath(entity, *found); !status.ok()) return status;
    const absl::StatusOr<bool> created = create(pool, entity, patience);
    if (!created.ok()) return created.status();
    changed = *created;
    found = look(pool, entity);
    if (!found.ok()) return found.status();
  }
  if (absl::Status status = check(entity, *found); !status.ok()) return status;
  log(Severity::kInfo, changed ? "strata.postgres.table_changed" : "strata.postgres.table_found",
      {{"table", std::string(entity.table)}, {"schema", found->schema}});
  return layoutOf(entity, *found);
}

absl::Status noSchemaToCreateIn(std::string_view what, std::string_view search_path) {
  return absl::FailedPreconditionError(fmt::format(
      "{}: search_path ({}) leads to no schema that exists and that the role may use; set it for"
      " the role or in the URL",
      what, search_path.empty() ? "empty" : search_path));
}

absl::Status checkLengths(const TableLayout& layout, const void* record) {
  for (const TextLimit& limit : layout.limits) {
    const Field& member = *limit.member;
    const auto text = toColumnText(member.type(), member.in(record));
    if (!text || charactersOf(*text) <= limit.length) continue;
    return absl::InvalidArgumentError(
        fmt::format("{} has more than the {} characters of its column", member.name, limit.length));
  }
  return absl::OkStatus();
}

absl::Status checkKeyText(const KeyColumn& column, std::string_view text) {
  if (column.sql_type == "uuid" && !isCanonicalUuid(text)) {
    return absl::InvalidArgumentError(
        fmt::format("the id's {} is not a UUID in lower-case hexadecimal digits", column.name));
  }
  if (isIntegerType(column.sql_type) && !isCanonicalInteger(column.sql_type, text)) {
    return absl::InvalidArgumentError(
        fmt::format("the id's {} is not a value of its column ({}), in plain digits", column.name,
                    column.sql_type));
  }
  // The server would cut blanks off the end, and so reach another row.
  if (column.length >= 0 && charactersOf(text) > column.length) {
    return absl::InvalidArgumentError(
        fmt::format("the id's {} has more than {} characters", column.name, column.length));
  }
  return absl::OkStatus();
}

}  // namespace strata::postgres
