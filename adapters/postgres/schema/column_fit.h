// Whether a column can hold a field: whether every value of the field can be written to it, and is
// read back as it was.
//
// Rules of the application's own are accepted, though they refuse some values with an error: a
// CHECK, also of a domain, the length of a character varying, a uuid for a text. What alters a value
// without an error is not, nor what refuses all values or values that the type alone lets expect.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/postgres/schema/table_catalog.h"
#include "strata/records/internal/type_info.h"

namespace strata::postgres {

// What speaks against it, in words that follow "column x ": "is numeric(12,2) and not bigint". None:
// it can hold the field.
std::optional<std::string> whyUnfit(const FoundColumn& column, const TypeInfo& field);

// The same for what the role may do with a column. A role may be one that only reads, so to write
// it needs all of `table` or nothing.
std::optional<std::string> whyClosed(const FoundColumn& column, const FoundTable& table);

bool isIntegerType(std::string_view sql_type);

}  // namespace strata::postgres
