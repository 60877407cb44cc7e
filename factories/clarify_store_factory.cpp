#include "strata/factories/clarify_store_factory.h"

#include <string>
#include <utility>
#include <vector>

#include "factories/domain_backends.h"
#include "factories/record_stack.h"
#include "factories/transactors.h"
#include "stores/clarify/clarify_rules.h"
#include "stores/clarify/clarify_stores.h"
#include "stores/clarify/context_records.h"
#include "stores/clarify/in_memory_clarify_tables.h"
#include "stores/clarify/postgres_clarify_tables.h"
#include "strata/factories/store_factory.h"
#include "strata/stores/clarify/clarify_migrations.h"

namespace strata {
namespace {

using ClarifyTransactor = std::shared_ptr<internal::Transactor<internal::ClarifyTables>>;

absl::StatusOr<ClarifyTransactor> transactorOf(const Backends& backends) {
  auto made =
      internal::createTransactor<internal::ClarifyTables, internal::PostgresClarifyTables,
                                 internal::InMemoryClarifyTables, internal::InMemoryClarify>(
          backends, "clarify", {.migrations = clarifyMigrations()});
  if (!made.ok()) return made.status();
  return ClarifyTransactor(*std::move(made));
}

// In the order of ClarifyTables::changed(). Also where nothing is read from the cache: another
// process may.
std::vector<internal::Invalidator> invalidatorsOf(const Backends& backends) {
  if (backends.cache == nullptr) return {};
  return {internal::invalidatorOf(backends, internal::domainEntity<UserProfile>(backends)),
          internal::invalidatorOf(backends, internal::domainEntity<ActiveDreams>(backends)),
          internal::invalidatorOf(backends, internal::domainEntity<ObservedPatterns>(backends)),
          internal::invalidatorOf(backends, internal::domainEntity<RecentSessions>(backends)),
          internal::invalidatorOf(backends, internal::domainEntity<RecentReflections>(backends))};
}

template <typename T>
absl::Status makeSource(std::shared_ptr<Store<T>>& source, const ClarifyTransactor& transactor,
                        const Backends& backends, const StoreOptions& options) {
  auto made = internal::stackOver<T>(internal::makeContextRecords<T>(transactor), backends,
                                     internal::domainEntity<T>(backends), options);
  if (!made.ok()) return made.status();
  source = *std::move(made);
  return absl::OkStatus();
}

absl::StatusOr<ContextSources> sourcesOf(const ClarifyTransactor& transactor,
                                         const Backends& backends,
                                         const ClarifyStoreOptions& options) {
  const auto living = [&](absl::Duration ttl) {
    return StoreOptions{.cache_ttl = ttl,
                        .cache_failure_tier = options.cache_failure_tier,
                        .enable_cache = options.enable_cache,
                        .cache_max_queued_fills = options.cache_max_queued_fills,
                        .cache_max_decoded = options.max_decoded};
  };
  StoreOptions of_user = living(options.user_ttl);
  of_user.negative_cache_ttl = options.user_ttl;
  ContextSources sources;
  for (const absl::Status& status :
       {makeSource(sources.user, transactor, backends, of_user),
        makeSource(sources.dreams, transactor, backends, living(options.dreams_ttl)),
        makeSource(sources.patterns, transactor, backends, living(options.patterns_ttl)),
        makeSource(sources.sessions, transactor, backends, living(options.sessions_ttl)),
        makeSource(sources.reflections, transactor, backends, living(options.reflections_ttl))}) {
    if (!status.ok()) return status;
  }
  return sources;
}

}  // namespace

absl::Status ClarifyStores::invalidateUserContext(std::string_view user_id) const {
  if (absl::Status status = internal::checkUserId(user_id); !status.ok()) return status;
  return database->invalidateAll(std::string(user_id));
}

absl::StatusOr<ClarifyStores> createClarifyStores(const Backends& backends,
                                                  const ClarifyStoreOptions& options) {
  auto transactor = transactorOf(backends);
  if (!transactor.ok()) return transactor.status();
  auto sources = sourcesOf(*transactor, backends, options);
  if (!sources.ok()) return sources.status();
  const auto database = std::make_shared<internal::ClarifyDatabase>(
      *transactor, invalidatorsOf(backends), options.cache_failure_tier);
  return ClarifyStores{.users = internal::makeUserProfileStore(database, backends.metrics),
                       .dreams = internal::makeDreamStore(database, backends.metrics),
                       .patterns = internal::makePatternStore(database, backends.metrics),
                       .sessions = internal::makeClarifySessionStore(database, backends.metrics),
                       .reflections = internal::makeReflectionStore(database, backends.metrics),
                       .sources = *std::move(sources),
                       .database = database};
}

absl::StatusOr<ClarifyStores> createClarifyStores(const Config& config,
                                                  const ClarifyStoreOptions& options) {
  auto backends = connect(config);
  if (!backends.ok()) return backends.status();
  return createClarifyStores(*backends, options);
}

}  // namespace strata
