// The schema of the policy store, for `applyMigrations`; createPolicyStore applies it by itself.
#pragma once

#include <span>

#include "strata/adapters/postgres/migrations.h"

namespace strata {

std::span<const Migration> policyMigrations();

}  // namespace strata
