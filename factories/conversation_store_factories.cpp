#include <optional>
#include <utility>

#include "factories/conversation_schema.h"
#include "factories/domain_backends.h"
#include "factories/record_stack.h"
#include "stores/conversations/conversation/conversation_records.h"
#include "stores/conversations/conversation/conversation_stores.h"
#include "stores/conversations/conversation/in_memory_conversation_tables.h"
#include "stores/conversations/conversation/postgres_conversation_tables.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/factories/store_factory.h"

namespace strata {
namespace {

using ConversationTransactor = std::shared_ptr<internal::Transactor<internal::ConversationTables>>;

absl::StatusOr<ConversationTransactor> transactorOf(const Backends& backends,
                                                    const std::string& store) {
  auto made =
      internal::createTransactor<internal::ConversationTables, internal::PostgresConversationTables,
                                 internal::InMemoryConversationTables,
                                 internal::InMemoryConversations>(backends, store,
                                                                  internal::conversationSchema());
  if (!made.ok()) return made.status();
  return ConversationTransactor(*std::move(made));
}

// Also where nothing is read from the cache: another process may.
internal::ConversationDatabase databaseOf(const Backends& backends,
                                          ConversationTransactor transactor) {
  std::optional<internal::Invalidator> invalidator;
  if (backends.cache != nullptr)
    invalidator = internal::invalidatorOf(backends, internal::domainEntity<Conversation>(backends));
  return {std::move(transactor), std::move(invalidator)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConversationStore>> createConversationStore(
    const Backends& backends, const ConversationStoreOptions& options) {
  auto transactor = transactorOf(backends, "conversations");
  if (!transactor.ok()) return transactor.status();
  auto records = internal::stackOver<Conversation>(
      internal::makeConversationRecords(*transactor), backends,
      internal::domainEntity<Conversation>(backends),
      {.cache_ttl = backends.config.domain.conversation_ttl,
       .cache_failure_tier = options.cache_failure_tier,
       .enable_cache = backends.config.domain.enable_conversation_cache});
  if (!records.ok()) return records.status();
  return internal::makeConversationStore(databaseOf(backends, *transactor), *std::move(records),
                                         options.authorization, backends.metrics);
}

absl::StatusOr<std::unique_ptr<ConversationStore>> createConversationStore(
    const Config& config, const ConversationStoreOptions& options) {
  auto backends = connect(config);
  if (!backends.ok()) return backends.status();
  return createConversationStore(*backends, options);
}

absl::StatusOr<std::unique_ptr<PathStore>> createPathStore(const Backends& backends) {
  auto transactor = transactorOf(backends, "conversation_paths");
  if (!transactor.ok()) return transactor.status();
  return internal::makePathStore(databaseOf(backends, *std::move(transactor)), backends.metrics);
}

absl::StatusOr<std::unique_ptr<PathStore>> createPathStore(const Config& config) {
  auto backends = connect(config);
  if (!backends.ok()) return backends.status();
  return createPathStore(*backends);
}

}  // namespace strata
