// SchemaPolicy: what a store may do about a table that is missing, or lacks columns.
#pragma once

#include <cstdint>

namespace strata {

// What to do at start-up about the table of an entity.
enum class SchemaPolicy : std::uint8_t {
  // Create it when it is missing, add columns that are missing. Nothing missing: no DDL is sent, so
  // the right to run any is not needed. Columns are never changed or dropped.
  kCreateOrExtend,
  // Only look; something missing is FailedPrecondition.
  kVerify,
};

}  // namespace strata
