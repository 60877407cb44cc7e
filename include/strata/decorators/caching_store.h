// CachingStore<T>: a cache in front of another store.
//
// Reads are cache-aside with fenced fills; writes go to the backing store first and then delete the
// cached copy, never update it. A cache that is down costs its timeout and nothing else. Calls that
// name a unit of work go past the cache, and what they wrote is deleted from it once the unit is
// committed. docs/caching.md has the picture.
#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"
#include "strata/cache/cache.h"
#include "strata/cache/caching_options.h"
#include "strata/records/entity.h"
#include "strata/store/internal/any_record.h"
#include "strata/store/store.h"

namespace strata {

namespace internal {
absl::StatusOr<std::unique_ptr<AnyStore>> createCachingRecords(
    std::unique_ptr<AnyStore> backing, std::shared_ptr<Cache> cache, const EntityInfo& entity,
    CachingOptions options, std::shared_ptr<Metrics> metrics, const Clock& clock,
    std::shared_ptr<Executor> executor);
}  // namespace internal

// Its health is that of the backing store, and of the cache: without the cache it still serves, so
// that is a kWarn.
template <EntityType T>
class CachingStore final : public internal::TypedStore<T> {
 public:
  // InvalidArgument: an option is out of its range. FailedPrecondition: the cache cannot keep
  // options.consistency. A `cache` that is no GuardedCache gets one of its own around it; stores
  // that share a cache should share that too. `clock` must outlive the store.
  static absl::StatusOr<std::unique_ptr<CachingStore>> create(
      std::unique_ptr<Store<T>> backing, std::shared_ptr<Cache> cache, CachingOptions options,
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system(),
      std::shared_ptr<Executor> executor = Executor::shared()) {
    auto records = internal::createCachingRecords(
        internal::eraseType(std::move(backing)), std::move(cache), entityInfo<T>(),
        std::move(options), std::move(metrics), clock, std::move(executor));
    if (!records.ok()) return records.status();
    return std::unique_ptr<CachingStore>(new CachingStore(*std::move(records)));
  }

 private:
  explicit CachingStore(std::unique_ptr<internal::AnyStore> records)
      : internal::TypedStore<T>(std::move(records)) {}
};

}  // namespace strata
