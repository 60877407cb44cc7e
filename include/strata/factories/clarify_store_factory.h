// createClarifyStores(config): the stores of the context platform on whatever is configured.
//
//   auto stores = createClarifyStores(backends);
//   stores->users->put({.id = "ada", .name = "Ada"});
//   stores->dreams->create({.user_id = "ada", .title = "Write a book"});
//   auto shown = stores->sources.dreams->get("ada");              // cached
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/failure_tier.h"
#include "strata/factories/backends.h"
#include "strata/stores/clarify/clarify_session_store.h"
#include "strata/stores/clarify/context_sources.h"
#include "strata/stores/clarify/dream_store.h"
#include "strata/stores/clarify/pattern_store.h"
#include "strata/stores/clarify/reflection_store.h"
#include "strata/stores/clarify/user_profile_store.h"

namespace strata {

namespace internal {
class ClarifyDatabase;
}  // namespace internal

// How long cached copies live, and what a cache may cost. Writes through these stores delete them;
// a time to live is for what is written past them.
struct ClarifyStoreOptions {
  // Also of the fact that there is no such user.
  absl::Duration user_ttl = absl::Seconds(300);
  absl::Duration dreams_ttl = absl::Seconds(120);
  absl::Duration patterns_ttl = absl::Seconds(600);
  absl::Duration sessions_ttl = absl::Seconds(60);
  absl::Duration reflections_ttl = absl::Seconds(300);
  // How many lists of each kind a process keeps decoded; see CachingOptions::max_decoded.
  std::size_t max_decoded = 1024;
  // How many fills of each kind may wait to be sent in the background; zero: whatever read a source
  // or built a context waits until its fills are stored. See CachingOptions::max_queued_fills, and
  // docs/clarify_stores.md for when to set it.
  std::size_t cache_max_queued_fills = 0;
  // kCritical: a source that the cache does not answer has the cache's error, and so has
  // `invalidateUserContext`. Otherwise the database answers.
  FailureTier cache_failure_tier = FailureTier::kImportant;
  // Off: the sources read no cache. What is written is deleted from it all the same.
  bool enable_cache = true;
};

// Thread-safe, all of it. Copies share the stores.
struct ClarifyStores {
  std::shared_ptr<UserProfileStore> users;
  std::shared_ptr<DreamStore> dreams;
  std::shared_ptr<PatternStore> patterns;
  std::shared_ptr<ClarifySessionStore> sessions;
  std::shared_ptr<ReflectionStore> reflections;
  ContextSources sources;

  // Deletes all five cached copies, in one round trip to the cache, after something was written past
  // these stores. What the cache does not delete now is deleted in the background, and this process
  // reads past it until then. So no error of the cache is one of this call, except in
  // FailureTier::kCritical: Unavailable and the like say that another process may still read the old
  // copies. There is nothing to repeat.
  // InvalidArgument: no user can have this id.
  absl::Status invalidateUserContext(std::string_view user_id) const;

  // What they stand on.
  std::shared_ptr<internal::ClarifyDatabase> database;
};

// Applies the migrations of these stores that the database lacks.
//
// InvalidArgument: a time to live is zero or has no end. Errors are those of `connect` and
// `applyMigrations` otherwise.
absl::StatusOr<ClarifyStores> createClarifyStores(const Backends& backends,
                                                  const ClarifyStoreOptions& options = {});
absl::StatusOr<ClarifyStores> createClarifyStores(const Config& config,
                                                  const ClarifyStoreOptions& options = {});

}  // namespace strata
