#include "src/cache/invalidator.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "strata/base/status.h"
#include "strata/cache/guarded_cache.h"

namespace strata::internal {

struct Invalidator::Core {
  void invalidate(const absl::Status& written, absl::Span<const std::string> keys) const;
  void count(bool deleted, std::int64_t copies) const {
    (deleted ? deletes : failed_deletes).add(copies);
  }

  const std::shared_ptr<GuardedCache> cache;
  const std::string key_prefix;
  const std::shared_ptr<Metrics> metrics_owner;
  Counter& deletes;
  Counter& failed_deletes;
};

// A cached copy of one record of an entity.
struct Invalidator::Copy {
  std::shared_ptr<Core> core;
  std::string key;
};

namespace {

// Ok: they are deleted. Otherwise they are pending, and this process reads past them until they are
// deleted.
absl::Status deleteFrom(GuardedCache& cache, const absl::Status& written,
                        absl::Span<const std::string> keys) {
  if (written.ok() || absl::IsUnavailable(written)) return cache.remove(keys);
  cache.removeUncertain(keys);
  return written;
}

}  // namespace

void Invalidator::Core::invalidate(const absl::Status& written,
                                   absl::Span<const std::string> keys) const {
  count(deleteFrom(*cache, written, keys).ok(), static_cast<std::int64_t>(keys.size()));
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

// Unavailable says that nothing happened; deleting all the same costs little and trusts no report.
bool Invalidator::isOfNoAccount(const absl::Status& written, const UnitOfWork* unit) {
  return !written.ok() && (unit != nullptr || !mayHaveHappened(written));
}

void Invalidator::after(const absl::Status& written, absl::Span<const Id> ids, UnitOfWork* unit) {
  if (isOfNoAccount(written, unit)) return;
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const Id& id : ids) keys.push_back(KeySpace::keyUnder(core_->key_prefix, id));
  if (unit == nullptr) return core_->invalidate(written, keys);
  unit->onceCommitted([core = core_, keys = std::move(keys)](const absl::Status& outcome) {
    core->invalidate(outcome, keys);
  });
}

absl::Status Invalidator::afterAll(const absl::Status& written,
                                   absl::Span<const Invalidator> entities, const Id& id,
                                   UnitOfWork* unit) {
  if (entities.empty() || isOfNoAccount(written, unit)) return absl::OkStatus();
  std::vector<Copy> copies;
  copies.reserve(entities.size());
  for (const Invalidator& entity : entities) {
    copies.push_back({entity.core_, KeySpace::keyUnder(entity.core_->key_prefix, id)});
  }
  if (unit == nullptr) return deleteAll(written, copies);
  unit->onceCommitted([copies = std::move(copies)](const absl::Status& outcome) mutable {
    deleteAll(outcome, copies).IgnoreError();  // what is left is pending
  });
  return absl::OkStatus();
}

absl::Status Invalidator::deleteAll(const absl::Status& written, std::vector<Copy>& copies) {
  absl::Status first_failure;
  auto rest = copies.begin();
  while (rest != copies.end()) {
    const GuardedCache* const cache = rest->core->cache.get();
    const auto end = std::stable_partition(
        rest, copies.end(), [cache](const Copy& copy) { return copy.core->cache.get() == cache; });
    first_failure.Update(deleteFromOne(written, {&*rest, static_cast<std::size_t>(end - rest)}));
    rest = end;
  }
  return first_failure;
}

absl::Status Invalidator::deleteFromOne(const absl::Status& written,
                                        absl::Span<const Copy> copies) {
  std::vector<std::string> keys;
  keys.reserve(copies.size());
  for (const Copy& copy : copies) keys.push_back(copy.key);
  absl::Status deleted = deleteFrom(*copies.front().core->cache, written, keys);
  for (const Copy& copy : copies) copy.core->count(deleted.ok(), 1);
  return deleted;
}

}  // namespace strata::internal
