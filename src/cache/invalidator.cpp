#include "src/cache/invalidator.h"

#include <utility>
#include <vector>

#include "strata/base/status.h"
#include "strata/cache/guarded_cache.h"

namespace strata::internal {

struct Invalidator::Core {
  void invalidate(const absl::Status& written, absl::Span<const std::string> keys) const;

  const std::shared_ptr<GuardedCache> cache;
  const std::string key_prefix;
  const std::shared_ptr<Metrics> metrics_owner;
  Counter& deletes;
  Counter& failed_deletes;
};

void Invalidator::Core::invalidate(const absl::Status& written,
                                   absl::Span<const std::string> keys) const {
  const auto count = static_cast<std::int64_t>(keys.size());
  if (!written.ok() && !absl::IsUnavailable(written)) {
    cache->removeUncertain(keys);
    failed_deletes.add(count);
    return;
  }
  // Where it fails the cache remembers: from here on this process does not believe it about them.
  const bool removed = cache->remove(keys).ok();
  (removed ? deletes : failed_deletes).add(count);
}

namespace {

Counter& deletesOf(Metrics& metrics, const std::string& store, const char* result) {
  return metrics.counter("strata_cache_deletes_total", {{"store", store}, {"result", result}});
}

}  // namespace

Invalidator::Invalidator(std::shared_ptr<GuardedCache> cache, const EntityInfo& entity,
                         const std::string& store, const std::string& app,
                         std::shared_ptr<Metrics> metrics)
    : core_(std::make_shared<Core>(Core{.cache = std::move(cache),
                                        .key_prefix = entity.keys.prefix(app),
                                        .metrics_owner = metrics,
                                        .deletes = deletesOf(*metrics, store, "ok"),
                                        .failed_deletes = deletesOf(*metrics, store, "pending")})) {
}

void Invalidator::after(const absl::Status& written, absl::Span<const Id> ids, UnitOfWork* unit) {
  // Unavailable says that nothing happened; deleting all the same costs little and trusts nobody.
  if (!written.ok() && (unit != nullptr || !mayHaveHappened(written))) return;
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const Id& id : ids) keys.push_back(KeySpace::keyUnder(core_->key_prefix, id));
  if (unit == nullptr) return core_->invalidate(written, keys);
  unit->onceCommitted([core = core_, keys = std::move(keys)](const absl::Status& outcome) {
    core->invalidate(outcome, keys);
  });
}

}  // namespace strata::internal
