#pragma once

#include <memory>

#include "stores/conversations/conversation/conversation_database.h"
#include "strata/base/metrics.h"
#include "strata/store/store.h"
#include "strata/stores/conversations/conversation/authorization.h"
#include "strata/stores/conversations/conversation/conversation_store.h"
#include "strata/stores/conversations/path/path_store.h"

namespace strata::internal {

// The rules of conversations. `records` answers single ones, perhaps from a cache.
std::unique_ptr<ConversationStore> makeConversationStore(
    ConversationDatabase database, std::unique_ptr<Store<Conversation>> records,
    std::shared_ptr<AuthorizationService> authorization, std::shared_ptr<Metrics> metrics);

// The rules of paths.
std::unique_ptr<PathStore> makePathStore(ConversationDatabase database,
                                         std::shared_ptr<Metrics> metrics);

}  // namespace strata::internal
