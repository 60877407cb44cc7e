// createConversationStore(config): conversations and messages on whatever is configured.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/base/failure_tier.h"
#include "strata/factories/backends.h"
#include "strata/stores/conversations/conversation/conversation_store.h"

namespace strata {

struct ConversationStoreOptions {
  // Who decides what a caller may do.
  std::shared_ptr<AuthorizationService> authorization = std::make_shared<RowAuthorization>();
  // kCritical: a conversation that the cache does not answer is an error. Otherwise the database
  // answers. Nothing is read from a cache, and this has no effect, where caching is off.
  FailureTier cache_failure_tier = FailureTier::kImportant;
};

// Applies the migrations of the conversation stores that the database lacks. Where
// ENABLE_CONVERSATION_CACHING is on, single conversations are cached for
// DomainConfig::conversation_ttl; cached copies are deleted by every write wherever there is a
// cache, on or off.
//
// Errors are those of `connect` and `applyMigrations`.
absl::StatusOr<std::unique_ptr<ConversationStore>> createConversationStore(
    const Backends& backends, const ConversationStoreOptions& options = {});
absl::StatusOr<std::unique_ptr<ConversationStore>> createConversationStore(
    const Config& config, const ConversationStoreOptions& options = {});

}  // namespace strata
