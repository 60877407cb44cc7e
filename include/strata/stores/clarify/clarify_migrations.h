// The schema of the stores of the context platform (users, dreams, patterns, sessions,
// reflections), for `applyMigrations`; createClarifyStores applies it by itself.
#pragma once

#include <span>

#include "strata/adapters/postgres/migrations.h"

namespace strata {

std::span<const Migration> clarifyMigrations();

}  // namespace strata
