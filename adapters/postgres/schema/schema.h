// The table of an entity in the database: looked at, made, or found wanting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "adapters/postgres/client/pool.h"
#include "strata/adapters/postgres/schema_policy.h"
#include "strata/records/entity.h"

namespace strata::postgres {

// A column of the primary key.
struct KeyColumn {
  std::string_view name;
  // The type it has in the database, which need not be the one that our DDL gives it: "uuid".
  std::string sql_type;
  // The most characters of a character varying; negative: any number.
  int length = -1;
  // The member of the entity, or null when the column holds the canonical id.
  const Field* member = nullptr;
};

// The most characters of a member in a character varying.
struct TextLimit {
  const Field* member;
  int length;
};

// A table as it is. Its names have their schemas, so that no later search_path leads elsewhere.
struct TableLayout {
  std::string table;            // quoted: "public"."flags"
  std::string sequence;         // quoted, the sequence of row versions
  std::vector<KeyColumn> keys;  // in the entity's order
  std::vector<TextLimit> limits;
};

// How long createStore tries to get the locks for a table that it makes or extends.
inline constexpr absl::Duration kSchemaPatience = absl::Seconds(30);

// Checks that the table can hold the entity's records, after making what `policy` lets it make.
absl::StatusOr<TableLayout> ensureTable(Pool& pool, const EntityInfo& entity, SchemaPolicy policy,
                                        absl::Duration patience = kSchemaPatience);

// FailedPrecondition that names search_path: it leads to no schema in which to create `what`.
absl::Status noSchemaToCreateIn(std::string_view what, std::string_view search_path);

// Ok, or InvalidArgument: a text of `record` is longer than its column. The server refuses most of
// these too, but cuts off blanks at the end without an error.
absl::Status checkLengths(const TableLayout& layout, const void* record);

// Ok, or InvalidArgument: whether `text` is a value of a key column exactly as the column's text
// would read. "007" for a bigint or a UUID in capitals is not: it would be a second name of one
// row, and a cache keeps copies by name.
absl::Status checkKeyText(const KeyColumn& column, std::string_view text);

}  // namespace strata::postgres
