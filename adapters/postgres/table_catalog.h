// What the database has under the name of an entity's table: looked up, and judged elsewhere.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/postgres/pool.h"
#include "strata/records/entity.h"

namespace strata::postgres {

struct FoundColumn {
  // Without a length, and of a domain the type below it: "character varying", "enum".
  std::string type;
  // Of "character varying(5)" 5, of "numeric(20)" 0; -1 where the type has none.
  int length = -1;
  int scale = -1;
  // Of a collation that takes different texts for equal.
  std::string loose_collation;
};

struct FoundSequence {
  std::string schema;     // empty: there is none
  bool in_order = false;  // steps up by one at a time, for all sessions together
};

struct FoundTable {
  // Where an unqualified table would be created; empty: nowhere.
  std::string creation_schema;
  std::string search_path;
  std::string role;

  std::string schema;  // empty: there is no table
  std::string name;
  char kind = 0;  // pg_class.relkind
  bool temporary = false;
  bool row_security = false;  // hides rows from this role
  bool has_children = false;  // by inheritance
  std::string rules;          // names of those that are enabled
  bool unique_key = false;
  // A unique index on the key by a collation that takes different texts for equal.
  std::string loose_index;
  // The one that the row versions come from: of the column's default, or of search_path.
  FoundSequence sequence;
  std::map<std::string, FoundColumn, std::less<>> columns;

  bool exists() const { return !schema.empty(); }
};

// How a statement is run: by a pool, or on one connection.
using Ask = absl::FunctionRef<absl::StatusOr<Answer>(const Statement&, absl::Span<const Bind>)>;

absl::StatusOr<FoundTable> lookUpTable(Ask ask, const EntityInfo& entity);

}  // namespace strata::postgres
