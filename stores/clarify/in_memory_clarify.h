#pragma once

#include <string>
#include <utility>

#include "stores/base/in_memory_rows.h"
#include "stores/clarify/clarify_kinds.h"
#include "strata/stores/clarify/user_profile.h"

namespace strata::internal {

// The tables of the context platform in an InMemoryDatabase.
struct InMemoryClarify {
  using UserAndId = std::pair<std::string, std::string>;

  InMemoryRows<std::string, UserProfile> users;
  InMemoryRows<UserAndId, Dream> dreams;
  InMemoryRows<UserAndId, ClarifyPattern> patterns;
  InMemoryRows<UserAndId, ClarifySession> sessions;
  InMemoryRows<UserAndId, Reflection> reflections;
};

}  // namespace strata::internal
