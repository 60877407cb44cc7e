// The schema of the conversation config store, for `applyMigrations`; createConversationConfigStore
// applies it by itself.
#pragma once

#include <span>

#include "strata/adapters/postgres/migrations.h"

namespace strata {

std::span<const Migration> conversationConfigMigrations();

}  // namespace strata
