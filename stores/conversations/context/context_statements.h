#pragma once

#include "adapters/postgres/client/statement.h"

namespace strata::internal {

// All that PostgresContextTables ever sends.
struct ContextStatements {
  postgres::Statement lock_conversation;
  postgres::Statement find;
  postgres::Statement put;
};
const ContextStatements& contextStatements();

}  // namespace strata::internal
