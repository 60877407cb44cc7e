// InvalidatingStore<T>: deletes the cached copies of what is written, and reads nothing from a
// cache.
//
// For a process whose cache of a store is switched off while others read theirs: without it they
// would answer what this one has replaced until its time to live is over.
#pragma once

#include <memory>
#include <utility>

#include "strata/cache/internal/invalidator.h"
#include "strata/records/entity.h"
#include "strata/store/store.h"

namespace strata {

template <EntityType T>
class InvalidatingStore final : public Store<T> {
 public:
  InvalidatingStore(std::unique_ptr<Store<T>> below, Invalidator invalidator)
      : below_(std::move(below)), invalidator_(std::move(invalidator)) {}

  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) override {
    return below_->get(id, options);
  }
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) override {
    return below_->getMany(ids, options);
  }
  absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) override {
    return invalidatedAfter(idOf(item), below_->put(item, options), options.unit);
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) override {
    return invalidatedAfter(id, below_->remove(id, options), options.unit);
  }
  Health healthCheck() override { return below_->healthCheck(); }

 private:
  absl::StatusOr<Version> invalidatedAfter(const Id& id, absl::StatusOr<Version> written,
                                           UnitOfWork* unit) {
    invalidator_.after(written.status(), {&id, 1}, unit);
    return written;
  }

  const std::unique_ptr<Store<T>> below_;
  Invalidator invalidator_;
};

}  // namespace strata
