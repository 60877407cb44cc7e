// What the database has under the name of an entity's table: looked up, and judged elsewhere.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/postgres/client/pool.h"
#include "strata/records/entity.h"

namespace strata::postgres {

struct FoundColumn {
  // Without a length, and of a domain the type below it: "character varying", "enum".
  std::string type;
  // As its definition says it: "numeric(12,2)", "mood (an enum)".
  std::string declared;
  // Of "character varying(5)" 5; of "numeric(12,2)" 12 and 2; of "timestamp(3) with time zone" 3.
  // -1 where the type has none.
  int length = -1;
  int precision = -1;
  int scale = -1;
  std::vector<std::string> labels;  // of an enum
  bool not_null = false;
  // Has a value where an INSERT gives it none.
  bool fills_itself = false;
  // Takes no value from an INSERT: generated, or GENERATED ALWAYS AS IDENTITY.
  bool takes_no_value = false;
  // What the role may do.
  bool may_select = true;
  bool may_insert = true;
  bool may_update = true;
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
  bool has_partitions = false;
  bool has_insert_trigger = false;  // one that may give columns their values
  std::string rules;                // names of those that are enabled
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
