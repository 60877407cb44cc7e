#pragma once

#include <memory>

#include "stores/base/transactor.h"
#include "stores/conversations/conversation/conversation_tables.h"
#include "strata/store/store.h"

namespace strata::internal {

// The records of conversations as a Store<Conversation>, for caching and coalescing to stand on.
// Read only: put and remove are Unimplemented, for a conversation changes in transactions over
// several tables (ConversationDatabase).
std::unique_ptr<Store<Conversation>> makeConversationRecords(
    std::shared_ptr<Transactor<ConversationTables>> transactor);

}  // namespace strata::internal
