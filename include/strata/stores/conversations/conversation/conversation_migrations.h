// The schema of the stores of conversations (conversations, paths, messages, contexts, execution
// contexts), for `applyMigrations`; their factories apply it by themselves.
#pragma once

#include <span>

#include "strata/adapters/postgres/migrations.h"

namespace strata {

std::span<const Migration> conversationMigrations();

// Optional, after those above: policies by which the database itself keeps tenants apart. Where
// DomainConfig::enable_row_level_security is on, the factories apply them too, and the stores
// tell the database whose rows they ask for; without it the stores would see none.
std::span<const Migration> conversationRowSecurityMigrations();

}  // namespace strata
