#pragma once

#include "adapters/postgres/client/statement.h"

namespace strata::internal {

// All that PostgresExecutionTables ever sends.
struct ExecutionStatements {
  postgres::Statement lock_conversation;
  postgres::Statement has_path;
  postgres::Statement find;
  postgres::Statement lock;
  postgres::Statement find_unterminated;
  postgres::Statement lock_unterminated;
  postgres::Statement list_expired;
  postgres::Statement insert;
  postgres::Statement update;
  postgres::Statement remove_terminated;
};
const ExecutionStatements& executionStatements();

}  // namespace strata::internal
