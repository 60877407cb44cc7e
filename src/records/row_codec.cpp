#include "strata/records/row_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "src/records/scalars.h"
#include "strata/base/timestamp.h"
#include "strata/records/json_codec.h"

namespace strata {
namespace {

// As an SQL text between `quote`s, in which the quote itself is doubled.
std::string quoted(std::string_view text, char quote) {
  std::string sql(1, quote);
  for (char c : text) {
    if (c == quote) sql += quote;
    sql += c;
  }
  sql += quote;
  return sql;
}

const TypeInfo& withoutOptional(const TypeInfo& type) {
  return type.kind == Kind::kOptional ? type.element() : type;
}

absl::Status mismatch(std::string_view expected) {
  return absl::DataLossError(fmt::format("expected {}", expected));
}

template <typename Number>
std::optional<Number> parseNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

absl::Status readInteger(const TypeInfo& type, std::string_view text, void* value) {
  if (const auto number = parseNumber<std::int64_t>(text);
      number && internal::setSigned(type.kind, *number, value)) {
    return absl::OkStatus();
  }
  if (const auto number = parseNumber<std::uint64_t>(text);
      number && internal::setUnsigned(type.kind, *number, value)) {
    return absl::OkStatus();
  }
  return mismatch("an integer in range");
}

absl::Status readFloating(const TypeInfo& type, std::string_view text, void* value) {
  const auto number = parseNumber<double>(text);
  if (number && std::isfinite(*number) && internal::setFloating(type.kind, *number, value)) {
    return absl::OkStatus();
  }
  return mismatch("a finite number");
}

absl::Status readTimestamp(std::string_view text, void* value) {
  const std::optional<Timestamp> time = parseTimestamp(text);
  if (!time) return mismatch("a time in the years 0001 to 9999");
  *static_cast<Timestamp*>(value) = *time;
  return absl::OkStatus();
}

absl::Status readBool(std::string_view text, void* value) {
  if (text != "t" && text != "f") return mismatch("a boolean");
  *static_cast<bool*>(value) = text == "t";
  return absl::OkStatus();
}

absl::Status readEnum(const TypeInfo& type, std::string_view text, void* value) {
  if (internal::setEnumName(type, text, value)) return absl::OkStatus();
  return mismatch("one of the names of its enum");
}

// A null in jsonb is none, as it is in JSON.
absl::Status readJsonColumn(const TypeInfo& type, std::string_view text, void* value) {
  return readJson(type, text, value).ok() ? absl::OkStatus() : mismatch("JSON");
}

std::string columnDefinition(const Field& field, const EntityInfo& entity) {
  const TypeInfo& type = field.type();
  std::string sql = fmt::format("{} {}", quoteIdentifier(field.name), columnType(type));
  const bool is_key = std::find(entity.key_columns.begin(), entity.key_columns.end(), field.name) !=
                      entity.key_columns.end();
  if (!isNullable(type)) sql += " NOT NULL";
  const auto default_text = toColumnText(type, field.in(entity.default_record));
  if (default_text && !is_key) sql += " DEFAULT " + quoteLiteral(*default_text);
  return sql;
}

struct Column {
  std::string_view name;
  std::string definition;
};

std::vector<Column> columnsOf(const EntityInfo& entity) {
  std::vector<Column> columns;
  if (entity.has_own_id_column) columns.push_back({"id", "\"id\" text NOT NULL"});
  for (const Field& field : entity.typeInfo().fields) {
    columns.push_back({field.name, columnDefinition(field, entity)});
  }
  columns.push_back({kRowVersionColumn, fmt::format("{} bigint NOT NULL DEFAULT nextval({})",
                                                    quoteIdentifier(kRowVersionColumn),
                                                    quoteLiteral(kRowVersionSequence))});
  return columns;
}

}  // namespace

std::string_view columnType(const TypeInfo& type) {
  switch (withoutOptional(type).kind) {
    case Kind::kBool:
      return "boolean";
    case Kind::kInt8:
    case Kind::kUint8:
    case Kind::kInt16:
      return "smallint";
    case Kind::kUint16:
    case Kind::kInt32:
      return "integer";
    case Kind::kUint32:
    case Kind::kInt64:
      return "bigint";
    case Kind::kUint64:
      return "numeric(20)";
    case Kind::kFloat:
      return "real";
    case Kind::kDouble:
      return "double precision";
    case Kind::kString:
    case Kind::kEnum:
      return "text";
    case Kind::kTimestamp:
      return "timestamptz";
    default:
      return "jsonb";
  }
}

bool isNullable(const TypeInfo& type) { return type.kind == Kind::kOptional; }

std::optional<std::string> toColumnText(const TypeInfo& type, const void* value) {
  switch (type.kind) {
    case Kind::kOptional: {
      const void* element = type.optional->get(value);
      return element == nullptr ? std::nullopt : toColumnText(type.element(), element);
    }
    case Kind::kString:
      return *static_cast<const std::string*>(value);
    case Kind::kEnum:
      return std::string(internal::getEnumName(type, value).value_or(""));
    case Kind::kTimestamp:
      return formatTimestamp(*static_cast<const Timestamp*>(value));
    default: {
      // Numbers, booleans and nested parts look the same in SQL as in JSON.
      std::string text;
      appendJson(type, value, text);
      return text;
    }
  }
}

absl::Status fromColumnText(const TypeInfo& type, std::optional<std::string_view> text,
                            void* value) {
  if (text && withoutOptional(type).kind == Kind::kJson) return readJsonColumn(type, *text, value);
  if (type.kind == Kind::kOptional) {
    if (text) return fromColumnText(type.element(), text, type.optional->emplace(value));
    type.optional->reset(value);
    return absl::OkStatus();
  }
  if (!text) return absl::OkStatus();
  if (internal::isInteger(type.kind)) return readInteger(type, *text, value);
  if (internal::isFloating(type.kind)) return readFloating(type, *text, value);
  switch (type.kind) {
    case Kind::kBool:
      return readBool(*text, value);
    case Kind::kString:
      static_cast<std::string*>(value)->assign(*text);
      return absl::OkStatus();
    case Kind::kEnum:
      return readEnum(type, *text, value);
    case Kind::kTimestamp:
      return readTimestamp(*text, value);
    default:
      return readJson(type, *text, value);
  }
}

std::string quoteIdentifier(std::string_view name) { return quoted(name, '"'); }
std::string quoteLiteral(std::string_view text) { return quoted(text, '\''); }

std::string quoteTable(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return quoteIdentifier(name);
  return quoteIdentifier(name.substr(0, dot)) + "." + quoteIdentifier(name.substr(dot + 1));
}

std::string createTableSql(const EntityInfo& entity) {
  const std::string table = quoteTable(entity.table);
  std::vector<std::string> definitions;
  std::string additions;
  for (const Column& column : columnsOf(entity)) {
    definitions.push_back(column.definition);
    additions +=
        fmt::format("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {};\n", table, column.definition);
  }
  std::vector<std::string> keys;
  for (std::string_view key : entity.key_columns) keys.push_back(quoteIdentifier(key));
  return fmt::format(
      "CREATE SEQUENCE IF NOT EXISTS {};\n"
      "CREATE TABLE IF NOT EXISTS {} (\n  {},\n  PRIMARY KEY ({})\n);\n{}",
      quoteIdentifier(kRowVersionSequence), table, fmt::join(definitions, ",\n  "),
      fmt::join(keys, ", "), additions);
}

std::string addColumnsSql(const EntityInfo& entity, const std::vector<std::string>& names) {
  std::vector<std::string> additions;
  for (const Column& column : columnsOf(entity)) {
    if (std::find(names.begin(), names.end(), column.name) == names.end()) continue;
    additions.push_back(fmt::format("ADD COLUMN IF NOT EXISTS {}", column.definition));
  }
  return fmt::format("ALTER TABLE {} {};\n", quoteTable(entity.table), fmt::join(additions, ", "));
}

}  // namespace strata
