// Described types as rows: one column per field, in PostgreSQL's types and text format.
//
//   bool → boolean; integers → smallint, integer, bigint, numeric(20) by range; float → real;
//   double → double precision; string and enum → text; Timestamp → timestamptz;
//   list, map, struct, Json → jsonb; optional → the same column, nullable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "strata/records/entity.h"
#include "strata/records/internal/type_info.h"

namespace strata {

// Every table has this column, from its first migration on: the row's Version, taken from the
// sequence below by every write.
inline constexpr std::string_view kRowVersionColumn = "row_version";
inline constexpr std::string_view kRowVersionSequence = "strata_row_version";

// The column type of a field: "bigint", "jsonb".
std::string_view columnType(const TypeInfo& type);
bool isNullable(const TypeInfo& type);

// A field as the text of its column; none for NULL.
std::optional<std::string> toColumnText(const TypeInfo& type, const void* value);
// The reverse. A NULL empties an optional and leaves anything else its default; text that is not
// such a value is DataLoss that does not quote it.
absl::Status fromColumnText(const TypeInfo& type, std::optional<std::string_view> text,
                            void* value);

// `name` as SQL: quoted, so that a reserved word is a name too. A table may be "schema.table".
std::string quoteIdentifier(std::string_view name);
std::string quoteTable(std::string_view name);
// `text` as an SQL literal, for DDL, which takes no parameters.
std::string quoteLiteral(std::string_view text);

// A table for an entity: created when missing, columns added when missing, never changed or
// dropped. Safe to run again. Every column has the default of T's member, so that a binary that
// does not know a column yet can go on writing rows.
//
// Each ALTER TABLE of it waits for an ACCESS EXCLUSIVE lock even where its column exists, and all
// reads of the table wait with it: on a table in use set lock_timeout first. `createStore` runs
// only what is missing.
std::string createTableSql(const EntityInfo& entity);

// What of it adds the columns of these names: one ALTER TABLE, so one lock.
std::string addColumnsSql(const EntityInfo& entity, const std::vector<std::string>& names);

template <EntityType T>
std::string createTableSql() {
  return createTableSql(entityInfo<T>());
}

}  // namespace strata
