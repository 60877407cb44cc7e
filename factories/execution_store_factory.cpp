#include "strata/factories/execution_store_factory.h"

#include <utility>

#include "factories/conversation_schema.h"
#include "stores/conversations/execution/in_memory_execution_tables.h"
#include "stores/conversations/execution/postgres_execution_tables.h"

namespace strata {

absl::StatusOr<std::unique_ptr<ExecutionStore>> createExecutionStore(const Backends& backends) {
  auto tables =
      internal::createTransactor<internal::ExecutionTables, internal::PostgresExecutionTables,
                                 internal::InMemoryExecutionTables,
                                 internal::InMemoryConversations>(backends, "execution_contexts",
                                                                  internal::conversationSchema());
  if (!tables.ok()) return tables.status();
  return internal::makeExecutionStore(*std::move(tables), backends.metrics);
}

absl::StatusOr<std::unique_ptr<ExecutionStore>> createExecutionStore(const Config& config) {
  auto backends = connect(config);
  if (!backends.ok()) return backends.status();
  return createExecutionStore(*backends);
}

}  // namespace strata
