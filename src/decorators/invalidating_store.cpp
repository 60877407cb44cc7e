#include "src/decorators/invalidating_store.h"

#include <utility>

#include "strata/base/internal/user_calls.h"

namespace strata::internal {
namespace {

class InvalidatingRecords final : public AnyStore {
 public:
  InvalidatingRecords(std::unique_ptr<AnyStore> backing, const EntityInfo& entity,
                      Invalidator invalidator)
      : backing_(std::move(backing)), entity_(entity), invalidator_(std::move(invalidator)) {}

  absl::StatusOr<AnySnapshot> get(const Id& id, const ReadOptions& options) override {
    return backing_->get(id, options);
  }
  Snapshots<AnyRecord> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    return backing_->getMany(ids, options);
  }
  absl::StatusOr<Version> put(const AnyRecord& item, const WriteOptions& options) override {
    const Id id = entity_.id(addressOf(item));  // first: where it throws nothing is written
    return invalidatedAfter(
        id, callOut("backing store", [&] { return backing_->put(item, options); }), options.unit);
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override {
    return invalidatedAfter(
        id, callOut("backing store", [&] { return backing_->remove(id, options); }), options.unit);
  }
  Health healthCheck() override { return backing_->healthCheck(); }

 private:
  absl::StatusOr<Version> invalidatedAfter(const Id& id, absl::StatusOr<Version> written,
                                           UnitOfWork* unit) {
    invalidator_.after(written.status(), {&id, 1}, unit);
    return written;
  }

  const std::unique_ptr<AnyStore> backing_;
  const EntityInfo& entity_;
  Invalidator invalidator_;
};

}  // namespace

std::unique_ptr<AnyStore> createInvalidatingRecords(std::unique_ptr<AnyStore> backing,
                                                    const EntityInfo& entity,
                                                    Invalidator invalidator) {
  return std::make_unique<InvalidatingRecords>(std::move(backing), entity, std::move(invalidator));
}

}  // namespace strata::internal
