#pragma once

#include "factories/transactors.h"
#include "strata/stores/conversations/conversation/conversation_migrations.h"

namespace strata::internal {

// Conversations, paths, contexts and sandboxes share it.
inline StoreSchema conversationSchema() {
  return {.migrations = conversationMigrations(),
          .row_security = conversationRowSecurityMigrations()};
}

}  // namespace strata::internal
