#pragma once

#include <memory>

#include "stores/clarify/clarify_database.h"
#include "strata/base/metrics.h"
#include "strata/stores/clarify/clarify_session_store.h"
#include "strata/stores/clarify/dream_store.h"
#include "strata/stores/clarify/pattern_store.h"
#include "strata/stores/clarify/reflection_store.h"
#include "strata/stores/clarify/user_profile_store.h"

namespace strata::internal {

// The rules of the context platform's stores, all over one database.
std::unique_ptr<UserProfileStore> makeUserProfileStore(std::shared_ptr<ClarifyDatabase> database,
                                                       std::shared_ptr<Metrics> metrics);
std::unique_ptr<DreamStore> makeDreamStore(std::shared_ptr<ClarifyDatabase> database,
                                           std::shared_ptr<Metrics> metrics);
std::unique_ptr<PatternStore> makePatternStore(std::shared_ptr<ClarifyDatabase> database,
                                               std::shared_ptr<Metrics> metrics);
std::unique_ptr<ClarifySessionStore> makeClarifySessionStore(
    std::shared_ptr<ClarifyDatabase> database, std::shared_ptr<Metrics> metrics);
std::unique_ptr<ReflectionStore> makeReflectionStore(std::shared_ptr<ClarifyDatabase> database,
                                                     std::shared_ptr<Metrics> metrics);

}  // namespace strata::internal
