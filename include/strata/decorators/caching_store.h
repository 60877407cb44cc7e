// CachingStore<T>: a cache in front of another store.
//
// Reads are cache-aside with fenced fills; writes go to the store below first and then delete the
// cached copy, never update it. A cache that is down costs its timeout and nothing else. Calls that
// name a unit of work go past the cache, and what they wrote is deleted from it once the unit is
// committed. See cache_aside.h for the decisions and docs/caching.md for the picture.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/cache/internal/cache_aside.h"
#include "strata/cache/internal/cache_rounds.h"
#include "strata/cache/internal/decoded_snapshots.h"
#include "strata/decorators/internal/distinct_ids.h"
#include "strata/records/entity.h"
#include "strata/records/json_codec.h"
#include "strata/store/internal/staged_read.h"
#include "strata/store/store.h"

namespace strata {

template <EntityType T>
class CachingStore final : public Store<T> {
 public:
  // InvalidArgument, FailedPrecondition: see CacheAside::create.
  static absl::StatusOr<std::unique_ptr<CachingStore>> create(
      std::unique_ptr<Store<T>> backing, std::shared_ptr<Cache> cache, CachingOptions options,
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system(),
      std::shared_ptr<Executor> executor = Executor::shared());

  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) override;
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) override;
  absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) override;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) override;
  // The store below, and the cache: without the cache it still serves, so that is a kWarn.
  Health healthCheck() override;
  std::shared_ptr<StagedReadOf<T>> stagedGet(const Id& id, const ReadOptions& options) override;

 private:
  class Staged;

  CachingStore(std::unique_ptr<Store<T>> backing, std::unique_ptr<CacheAside> cache,
               std::size_t max_decoded)
      : backing_(std::move(backing)), cache_(std::move(cache)), decoded_(max_decoded) {}

  // The cached answer, or none when the store below has to be asked.
  std::optional<Snapshot<T>> answerFrom(CacheAside::Lookup& lookup);
  // What the cache is owed for a lookup after the store below has answered.
  static CacheAside::Fill fillFor(const CacheAside::Lookup& lookup,
                                  const absl::StatusOr<Snapshot<T>>& loaded);
  // Asks the store below for the ids at `missed` and fills their lookups.
  void loadMissed(absl::Span<const Id> ids, const ReadOptions& options,
                  const std::vector<std::size_t>& missed,
                  const std::vector<CacheAside::Lookup>& lookups, Snapshots<T>& answers);
  absl::StatusOr<Version> invalidatedAfter(const Id& id, absl::StatusOr<Version> written,
                                           UnitOfWork* unit);

  std::unique_ptr<Store<T>> backing_;
  std::unique_ptr<CacheAside> cache_;
  DecodedSnapshots decoded_;
};

template <EntityType T>
absl::StatusOr<std::unique_ptr<CachingStore<T>>> CachingStore<T>::create(
    std::unique_ptr<Store<T>> backing, std::shared_ptr<Cache> cache, CachingOptions options,
    std::shared_ptr<Metrics> metrics, const Clock& clock, std::shared_ptr<Executor> executor) {
  const std::size_t max_decoded = options.max_decoded;
  auto aside = CacheAside::create(std::move(cache), entityInfo<T>(), std::move(options),
                                  std::move(metrics), clock, std::move(executor));
  if (!aside.ok()) return aside.status();
  return std::unique_ptr<CachingStore>(
      new CachingStore(std::move(backing), *std::move(aside), max_decoded));
}

template <EntityType T>
absl::StatusOr<Snapshot<T>> CachingStore<T>::get(const Id& id, const ReadOptions& options) {
  if (options.unit != nullptr) return backing_->get(id, options);
  CacheAside::Lookup lookup = cache_->lookup(id, options);
  if (!lookup.status.ok()) return lookup.status;
  if (auto answer = answerFrom(lookup)) return *std::move(answer);
  absl::StatusOr<Snapshot<T>> loaded = backing_->get(id, options);
  if (lookup.owesFill()) {
    const CacheAside::Fill fill = fillFor(lookup, loaded);
    cache_->fill({&fill, 1});
  }
  return loaded;
}

template <EntityType T>
class CachingStore<T>::Staged final : public StagedReadOf<T> {
 public:
  using typename StagedReadOf<T>::Found;

  Staged(CachingStore& store, const Id& id, const ReadOptions& options)
      : store_(store), id_(id), options_(options) {}

  void addLookup(LookupRound& round) override { round.add(*store_.cache_, id_, lookup_); }
  Found takeFound() override {
    if (!lookup_.status.ok()) {
      this->answer(lookup_.status);
      return Found::kError;
    }
    if (auto found = store_.answerFrom(lookup_)) {
      this->answer(*std::move(found));
      return Found::kAnswer;
    }
    return lookup_.filled_by_another ? Found::kFilledByAnother : Found::kMissing;
  }
  void load() override {
    const bool waits = lookup_.filled_by_another;
    this->answer(waits ? store_.get(id_, options_) : store_.backing_->get(id_, options_));
  }
  void addFill(FillRound& round) override {
    if (lookup_.owesFill()) round.add(*store_.cache_, fillFor(lookup_, this->answered()));
  }

 private:
  CachingStore& store_;
  const Id& id_;
  const ReadOptions& options_;
  CacheAside::Lookup lookup_;
};

template <EntityType T>
std::shared_ptr<StagedReadOf<T>> CachingStore<T>::stagedGet(const Id& id,
                                                            const ReadOptions& options) {
  if (options.unit != nullptr) return nullptr;
  return std::make_shared<Staged>(*this, id, options);
}

template <EntityType T>
Snapshots<T> CachingStore<T>::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  if (options.unit != nullptr) return backing_->getMany(ids, options);
  const DistinctIds distinct(ids);
  std::vector<CacheAside::Lookup> lookups = cache_->lookupMany(distinct.ids(), options);
  Snapshots<T> answers(lookups.size(), Snapshot<T>());
  std::vector<std::size_t> missed;
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    if (!lookups[i].status.ok()) {
      answers[i] = lookups[i].status;
    } else if (auto answer = answerFrom(lookups[i])) {
      answers[i] = *std::move(answer);
    } else {
      missed.push_back(i);
    }
  }
  if (!missed.empty()) loadMissed(distinct.ids(), options, missed, lookups, answers);
  return distinct.spread(std::move(answers));
}

template <EntityType T>
void CachingStore<T>::loadMissed(absl::Span<const Id> ids, const ReadOptions& options,
                                 const std::vector<std::size_t>& missed,
                                 const std::vector<CacheAside::Lookup>& lookups,
                                 Snapshots<T>& answers) {
  std::vector<Id> missed_ids;
  for (std::size_t i : missed) missed_ids.push_back(ids[i]);
  Snapshots<T> loaded = backing_->getMany(missed_ids, options);
  std::vector<CacheAside::Fill> fills;
  for (std::size_t k = 0; k < missed.size(); ++k) {
    const CacheAside::Lookup& lookup = lookups[missed[k]];
    if (lookup.owesFill()) fills.push_back(fillFor(lookup, loaded[k]));
    answers[missed[k]] = std::move(loaded[k]);
  }
  cache_->fill(fills);
}

template <EntityType T>
std::optional<Snapshot<T>> CachingStore<T>::answerFrom(CacheAside::Lookup& lookup) {
  if (lookup.outcome == CacheAside::Outcome::kAbsent) return Snapshot<T>();
  if (lookup.outcome != CacheAside::Outcome::kHit) return std::nullopt;
  if (auto known = decoded_.find(lookup.cell)) {
    return Snapshot<T>(std::static_pointer_cast<const T>(std::move(known)), lookup.version);
  }
  auto value = std::make_shared<T>();
  if (absl::Status status = readJson(typeInfo<T>(), lookup.payload(), value.get()); !status.ok()) {
    cache_->rejectPayload(lookup, status);
    return std::nullopt;
  }
  if (decoded_.keepsAny()) decoded_.keep(lookup.cell, value);
  return Snapshot<T>(std::move(value), lookup.version);
}

template <EntityType T>
CacheAside::Fill CachingStore<T>::fillFor(const CacheAside::Lookup& lookup,
                                          const absl::StatusOr<Snapshot<T>>& loaded) {
  using Answer = CacheAside::Fill::Answer;
  if (!loaded.ok()) return {&lookup, Answer::kFailed, {}, {}};
  if (*loaded == nullptr) return {&lookup, Answer::kAbsent, {}, {}};
  return {&lookup, Answer::kValue, encodeJson(**loaded), loaded->version()};
}

template <EntityType T>
absl::StatusOr<Version> CachingStore<T>::put(const T& item, const WriteOptions& options) {
  return invalidatedAfter(idOf(item), backing_->put(item, options), options.unit);
}

template <EntityType T>
absl::StatusOr<Version> CachingStore<T>::remove(const Id& id, const WriteOptions& options) {
  return invalidatedAfter(id, backing_->remove(id, options), options.unit);
}

template <EntityType T>
absl::StatusOr<Version> CachingStore<T>::invalidatedAfter(const Id& id,
                                                          absl::StatusOr<Version> written,
                                                          UnitOfWork* unit) {
  cache_->invalidateAfter(written.status(), {&id, 1}, unit);
  return written;
}

template <EntityType T>
Health CachingStore<T>::healthCheck() {
  Health health = backing_->healthCheck();
  Health cache = cache_->healthCheck();
  if (health.state < cache.state) {
    health.state = cache.state;
    health.error = "cache: " + cache.error;
  }
  health.children.push_back(std::move(cache));
  return health;
}

}  // namespace strata
