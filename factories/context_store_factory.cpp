#include "strata/factories/context_store_factory.h"

#include <utility>

#include "factories/conversation_schema.h"
#include "stores/conversations/context/in_memory_context_tables.h"
#include "stores/conversations/context/postgres_context_tables.h"

namespace strata {

absl::StatusOr<std::unique_ptr<ContextStore>> createContextStore(const Backends& backends) {
  auto tables =
      internal::createTransactor<internal::ContextTables, internal::PostgresContextTables,
                                 internal::InMemoryContextTables, internal::InMemoryConversations>(
          backends, "conversation_contexts", internal::conversationSchema());
  if (!tables.ok()) return tables.status();
  return internal::makeContextStore(*std::move(tables), backends.metrics);
}

absl::StatusOr<std::unique_ptr<ContextStore>> createContextStore(const Config& config) {
  auto backends = connect(config);
  if (!backends.ok()) return backends.status();
  return createContextStore(*backends);
}

}  // namespace strata
