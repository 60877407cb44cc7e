// createConversationConfigStore(config): the conversation config store on whatever is configured.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/base/failure_tier.h"
#include "strata/factories/backends.h"
#include "strata/stores/conversation_config/conversation_config_store.h"

namespace strata {

struct ConversationConfigStoreOptions {
  // kCritical: a level that the cache does not answer is an error. Otherwise the database answers.
  FailureTier cache_failure_tier = FailureTier::kImportant;
};

// Applies the migrations of the store that the database lacks, then builds the stack of
// createStore<ConversationConfigOverrides>. What a level says, and that it says nothing, is cached
// for DomainConfig::config_ttl; ENABLE_CONVERSATION_CONFIG_CACHE switches the cache off for this
// store alone.
//
// Errors are those of `connect` and `createStore`. FailedPrecondition also: a migration that was
// applied before has another text now.
absl::StatusOr<std::unique_ptr<ConversationConfigStore>> createConversationConfigStore(
    const Backends& backends, const ConversationConfigStoreOptions& options = {});
absl::StatusOr<std::unique_ptr<ConversationConfigStore>> createConversationConfigStore(
    const Config& config, const ConversationConfigStoreOptions& options = {});

}  // namespace strata
