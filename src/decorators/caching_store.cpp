#include "strata/decorators/caching_store.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/unshared_status.h"
#include "src/cache/cache_aside.h"
#include "src/cache/cache_rounds.h"
#include "src/cache/decoded_snapshots.h"
#include "src/decorators/distinct_ids.h"
#include "strata/base/internal/user_calls.h"
#include "strata/records/json_codec.h"
#include "strata/store/internal/staged_read.h"

namespace strata::internal {
namespace {

using AnySnapshots = Snapshots<AnyRecord>;

class CachingRecords final : public AnyStore {
 public:
  CachingRecords(std::unique_ptr<AnyStore> backing, std::unique_ptr<CacheAside> cache,
                 const EntityInfo& entity, std::size_t max_decoded)
      : backing_(std::move(backing)),
        cache_(std::move(cache)),
        entity_(entity),
        decoded_(max_decoded) {}

  absl::StatusOr<AnySnapshot> get(const Id& id, const ReadOptions& options) override;
  AnySnapshots getMany(absl::Span<const Id> ids, const ReadOptions& options) override;
  absl::StatusOr<Version> put(const AnyRecord& item, const WriteOptions& options) override;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override;
  Health healthCheck() override;
  StagedGet<AnyRecord> stagedGet(const Id& id, const ReadOptions& options) override;

 private:
  class Staged;

  absl::StatusOr<AnySnapshot> load(const Id& id, const ReadOptions& options);
  AnySnapshots loadMany(absl::Span<const Id> ids, const ReadOptions& options);
  static SharedLoads::Answer shareable(const absl::StatusOr<AnySnapshot>& loaded);
  static absl::StatusOr<AnySnapshot> sharedAnswer(const CacheAside::Lookup& lookup);
  // The cached answer, or none when the backing store has to be read. Does not throw, because other
  // lookups may have leases by then.
  std::optional<AnySnapshot> answerFrom(CacheAside::Lookup& lookup);
  absl::Status decode(const CacheAside::Lookup& lookup, std::shared_ptr<void>& value) const;
  // The fill of a leased lookup once the backing store has answered. Does not throw: a lease without
  // a fill holds up all readers of the id.
  CacheAside::Fill fillFor(const CacheAside::Lookup& lookup,
                           const absl::StatusOr<AnySnapshot>& loaded) const;
  // Reads the ids at `missed` from the backing store and fills their lookups.
  void loadMissed(absl::Span<const Id> ids, const ReadOptions& options,
                  const std::vector<std::size_t>& missed,
                  const std::vector<CacheAside::Lookup>& lookups, AnySnapshots& answers);
  absl::StatusOr<Version> invalidatedAfter(const Id& id, absl::StatusOr<Version> written,
                                           UnitOfWork* unit);

  const std::unique_ptr<AnyStore> backing_;
  const std::unique_ptr<CacheAside> cache_;
  const EntityInfo& entity_;
  DecodedSnapshots decoded_;
};

absl::StatusOr<AnySnapshot> CachingRecords::get(const Id& id, const ReadOptions& options) {
  if (options.isOfUnit()) return backing_->get(id, options);
  CacheAside::Lookup lookup = cache_->lookup(id, options);
  if (!lookup.status.ok()) return lookup.status;
  if (lookup.outcome == CacheAside::Outcome::kShared) return sharedAnswer(lookup);
  if (auto answer = answerFrom(lookup)) return *std::move(answer);
  absl::StatusOr<AnySnapshot> loaded = load(id, options);
  if (lookup.needsFill()) {
    const CacheAside::Fill fill = fillFor(lookup, loaded);
    cache_->fill({&fill, 1});
  }
  if (lookup.lead != nullptr) cache_->share(lookup, shareable(loaded), options.deadline);
  return loaded;
}

SharedLoads::Answer CachingRecords::shareable(const absl::StatusOr<AnySnapshot>& loaded) {
  if (!loaded.ok()) return {loaded.status(), nullptr, {}};
  return {absl::OkStatus(), std::shared_ptr<const AnyRecord>(*loaded), loaded->version()};
}

absl::StatusOr<AnySnapshot> CachingRecords::sharedAnswer(const CacheAside::Lookup& lookup) {
  const SharedLoads::Answer& answer = SharedLoads::answerOf(*lookup.loaded);
  if (answer.status.ok()) return asSnapshot(answer.value, answer.version);
  return unshared(answer.status);
}

absl::StatusOr<AnySnapshot> CachingRecords::load(const Id& id, const ReadOptions& options) {
  return callOut("backing store", [&] { return backing_->get(id, options); });
}

AnySnapshots CachingRecords::loadMany(absl::Span<const Id> ids, const ReadOptions& options) {
  return callOut(
      "backing store", [&] { return backing_->getMany(ids, options); },
      [&](const absl::Status& thrown) { return AnySnapshots(ids.size(), thrown); });
}

class CachingRecords::Staged final : public StagedRead {
 public:
  Staged(CachingRecords& store, const Id& id, const ReadOptions& options)
      : store_(store), id_(id), options_(options) {}

  void addLookup(LookupRound& round) override { round.add(*store_.cache_, id_, lookup_); }
  Found takeFound() override {
    if (!lookup_.status.ok()) {
      answer(lookup_.status);
      return Found::kError;
    }
    if (auto found = store_.answerFrom(lookup_)) {
      answer(*std::move(found));
      return Found::kAnswer;
    }
    return lookup_.filled_by_another ? Found::kFilledByAnother : Found::kMissing;
  }
  void load() override {
    const bool waits = lookup_.filled_by_another;
    answer(waits ? store_.get(id_, options_) : store_.load(id_, options_));
  }
  void addFill(FillRound& round) override {
    if (lookup_.needsFill()) round.add(*store_.cache_, store_.fillFor(lookup_, answered()));
  }

 private:
  CachingRecords& store_;
  const Id& id_;
  const ReadOptions& options_;
  CacheAside::Lookup lookup_;
};

StagedGet<AnyRecord> CachingRecords::stagedGet(const Id& id, const ReadOptions& options) {
  if (options.isOfUnit()) return {};
  return {std::make_shared<Staged>(*this, id, options)};
}

AnySnapshots CachingRecords::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  if (options.isOfUnit()) return backing_->getMany(ids, options);
  const DistinctIds distinct(ids);
  std::vector<CacheAside::Lookup> lookups = cache_->lookupMany(distinct.ids(), options);
  AnySnapshots answers(lookups.size(), AnySnapshot());
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

void CachingRecords::loadMissed(absl::Span<const Id> ids, const ReadOptions& options,
                                const std::vector<std::size_t>& missed,
                                const std::vector<CacheAside::Lookup>& lookups,
                                AnySnapshots& answers) {
  std::vector<Id> missed_ids;
  for (std::size_t i : missed) missed_ids.push_back(ids[i]);
  AnySnapshots loaded = loadMany(missed_ids, options);
  std::vector<CacheAside::Fill> fills;
  for (std::size_t k = 0; k < missed.size(); ++k) {
    const CacheAside::Lookup& lookup = lookups[missed[k]];
    if (lookup.needsFill()) fills.push_back(fillFor(lookup, loaded[k]));
    answers[missed[k]] = std::move(loaded[k]);
  }
  cache_->fill(fills);
}

std::optional<AnySnapshot> CachingRecords::answerFrom(CacheAside::Lookup& lookup) {
  if (lookup.outcome == CacheAside::Outcome::kAbsent) return AnySnapshot();
  if (lookup.outcome != CacheAside::Outcome::kHit) return std::nullopt;
  if (auto known = decoded_.find(lookup.cell)) {
    return asSnapshot(std::move(known), lookup.version);
  }
  std::shared_ptr<void> value;
  if (const absl::Status status = decode(lookup, value); !status.ok()) {
    cache_->rejectPayload(lookup, status);
    return std::nullopt;
  }
  if (decoded_.keepsAny()) decoded_.keep(lookup.cell, value);
  return asSnapshot(std::move(value), lookup.version);
}

absl::Status CachingRecords::decode(const CacheAside::Lookup& lookup,
                                    std::shared_ptr<void>& value) const {
  return callOut("record", [&] {
    value = entity_.make();
    return readJson(entity_.typeInfo(), lookup.payload(), value.get());
  });
}

CacheAside::Fill CachingRecords::fillFor(const CacheAside::Lookup& lookup,
                                         const absl::StatusOr<AnySnapshot>& loaded) const {
  using Answer = CacheAside::Fill::Answer;
  if (!loaded.ok()) return {&lookup, Answer::kFailed, {}, {}};
  if (*loaded == nullptr) return {&lookup, Answer::kAbsent, {}, {}};
  return callOut(
      "record",
      [&]() -> CacheAside::Fill {
        std::string payload;
        appendJson(entity_.typeInfo(), addressOf(**loaded), payload);
        return {&lookup, Answer::kValue, std::move(payload), loaded->version()};
      },
      [&](const absl::Status& /*thrown*/) -> CacheAside::Fill {
        return {&lookup, Answer::kFailed, {}, {}};
      });
}

absl::StatusOr<Version> CachingRecords::put(const AnyRecord& item, const WriteOptions& options) {
  const Id id = entity_.id(addressOf(item));  // first: where it throws nothing is written
  return invalidatedAfter(
      id, callOut("backing store", [&] { return backing_->put(item, options); }), options.unit);
}

absl::StatusOr<Version> CachingRecords::remove(const Id& id, const WriteOptions& options) {
  return invalidatedAfter(
      id, callOut("backing store", [&] { return backing_->remove(id, options); }), options.unit);
}

absl::StatusOr<Version> CachingRecords::invalidatedAfter(const Id& id,
                                                         absl::StatusOr<Version> written,
                                                         UnitOfWork* unit) {
  cache_->invalidateAfter(written.status(), {&id, 1}, unit);
  return written;
}

Health CachingRecords::healthCheck() {
  Health health = backing_->healthCheck();
  Health cache = cache_->healthCheck();
  if (health.state < cache.state) {
    health.state = cache.state;
    health.error = "cache: " + cache.error;
  }
  health.children.push_back(std::move(cache));
  return health;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AnyStore>> createCachingRecords(
    std::unique_ptr<AnyStore> backing, std::shared_ptr<Cache> cache, const EntityInfo& entity,
    CachingOptions options, std::shared_ptr<Metrics> metrics, const Clock& clock,
    std::shared_ptr<Executor> executor) {
  const std::size_t max_decoded = options.max_decoded;
  auto aside = CacheAside::create(std::move(cache), entity, std::move(options), std::move(metrics),
                                  clock, std::move(executor));
  if (!aside.ok()) return aside.status();
  return std::make_unique<CachingRecords>(std::move(backing), *std::move(aside), entity,
                                          max_decoded);
}

}  // namespace strata::internal
