// ContextSources: the five lists that a user's context is built from.
//
// Each answers under the id of the user, from a cache where it can. A list that is empty is a value
// with an empty vector, never null, whether or not there is such a user; a user that is not there
// is null. To change what they show, see the stores of clarify_store_factory.h.
#pragma once

#include <memory>

#include "strata/store/store.h"
#include "strata/stores/clarify/clarify_pattern.h"
#include "strata/stores/clarify/clarify_session.h"
#include "strata/stores/clarify/dream.h"
#include "strata/stores/clarify/reflection.h"
#include "strata/stores/clarify/user_profile.h"

namespace strata {

// Copies share the stores, which are thread-safe. They are only read: put and remove are
// Unimplemented. What they answer has no version, so a read that names a min_version goes past the
// cache.
struct ContextSources {
  std::shared_ptr<Store<UserProfile>> user;
  std::shared_ptr<Store<ActiveDreams>> dreams;
  std::shared_ptr<Store<ObservedPatterns>> patterns;
  std::shared_ptr<Store<RecentSessions>> sessions;
  std::shared_ptr<Store<RecentReflections>> reflections;
};

}  // namespace strata
