// AnyRecord: a record whose C++ type is known only to the EntityInfo beside it. The decorators and
// the backends are compiled once, for Store<AnyRecord>; what a program instantiates for each of its
// types are the two adapters below (docs/decisions/0022-stacks-of-any-record.md).
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "strata/base/health.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/status.h"
#include "strata/store/store.h"

namespace strata::internal {

// Never defined, so that nothing can read it: an AnyRecord& is the address of a T.
class AnyRecord;

using AnyStore = Store<AnyRecord>;
using AnySnapshot = Snapshot<AnyRecord>;

inline const void* addressOf(const AnyRecord& record) { return &record; }

inline AnySnapshot asSnapshot(std::shared_ptr<const void> value, Version version) {
  return {std::static_pointer_cast<const AnyRecord>(std::move(value)), version};
}

// Moves the record from one kind of snapshot into the other; the reference count is not touched.
template <typename To, typename From>
Snapshot<To> castSnapshot(Snapshot<From> snapshot) {
  const Version version = snapshot.version();
  std::shared_ptr<const void> value = std::shared_ptr<const From>(std::move(snapshot));
  return Snapshot<To>(std::static_pointer_cast<const To>(std::move(value)), version);
}

template <typename To, typename From>
absl::StatusOr<Snapshot<To>> castSnapshot(absl::StatusOr<Snapshot<From>> found) {
  if (!found.ok()) return std::move(found).status();
  return castSnapshot<To>(*std::move(found));
}

template <typename To, typename From>
Snapshots<To> castSnapshots(Snapshots<From> found) {
  Snapshots<To> cast;
  cast.reserve(found.size());
  for (auto& one : found) cast.push_back(castSnapshot<To>(std::move(one)));
  return cast;
}

// A Store<To> over a Store<From> of the same records, one of To and From being AnyRecord. Whatever is
// thrown below it ends here: by a store of a program's own under a stack, which holds leases and
// flights meanwhile, and by a record's own functions under the caller of a stack.
template <typename To, typename From>
class CastStore : public Store<To> {
 public:
  // `held` is let go of with the store.
  explicit CastStore(std::unique_ptr<Store<From>> backing, std::shared_ptr<const void> held = {})
      : held_(std::move(held)), backing_(std::move(backing)) {}

  absl::StatusOr<Snapshot<To>> get(const Id& id, const ReadOptions& options = {}) final {
    return callOut(kStore, [&] { return castSnapshot<To>(backing_->get(id, options)); });
  }
  Snapshots<To> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) final {
    const auto all = [&ids](const absl::Status& status) {
      return Snapshots<To>(ids.size(), status);
    };
    Snapshots<To> found = callOut(
        kStore, [&] { return castSnapshots<To>(backing_->getMany(ids, options)); }, all);
    if (found.size() == ids.size()) return found;
    return all(absl::InternalError("store: getMany has not answered for each id"));
  }
  absl::StatusOr<Version> put(const To& item, const WriteOptions& options = {}) final {
    const auto* const record =
        static_cast<const From*>(static_cast<const void*>(std::addressof(item)));
    return callOut(kStore, [&] { return backing_->put(*record, options); });
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) final {
    return callOut(kStore, [&] { return backing_->remove(id, options); });
  }
  Health healthCheck() final {
    return callOut(
        kStore, [&] { return backing_->healthCheck(); },
        [](const absl::Status& thrown) {
          return Health{
              .component = "store", .state = HealthState::kFail, .error = describe(thrown)};
        });
  }
  StagedGet<To> stagedGet(const Id& id, const ReadOptions& options) final {
    return callOut(
        kStore, [&] { return StagedGet<To>{backing_->stagedGet(id, options).read}; },
        [](const absl::Status& /*thrown*/) { return StagedGet<To>{}; });  // `get` says what it is
  }

 private:
  const std::shared_ptr<const void> held_;
  static constexpr std::string_view kStore = "store";

  const std::unique_ptr<Store<From>> backing_;
};

template <typename T>
using TypedStore = CastStore<T, AnyRecord>;

template <typename T>
std::unique_ptr<AnyStore> eraseType(std::unique_ptr<Store<T>> store) {
  return std::make_unique<CastStore<AnyRecord, T>>(std::move(store));
}

}  // namespace strata::internal
