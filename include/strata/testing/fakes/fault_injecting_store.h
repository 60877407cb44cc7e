// FaultInjectingStore<T>: a decorator that makes the store below fail as a FaultPlan says.
//
//   auto faults = std::make_shared<FaultPlan>();
//   auto store = std::make_unique<FaultInjectingStore<Flag>>(std::move(below), faults);
//   faults->failCall(StoreOperation::kPut, 1, Fault::lostReply());
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "strata/base/status.h"
#include "strata/store/store.h"
#include "strata/testing/fakes/fault_plan.h"

namespace strata::testing {

template <typename T>
class FaultInjectingStore final : public Store<T> {
 public:
  FaultInjectingStore(std::unique_ptr<Store<T>> below, std::shared_ptr<FaultPlan> faults)
      : below_(std::move(below)), faults_(std::move(faults)) {}

  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) override {
    return call(
        StoreOperation::kGet, [&] { return below_->get(id, options); }, std::identity());
  }
  // A fault is the answer for every id.
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) override {
    return call(
        StoreOperation::kGetMany, [&] { return below_->getMany(ids, options); },
        [&](const absl::Status& error) { return Snapshots<T>(ids.size(), error); });
  }
  absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) override {
    return call(
        StoreOperation::kPut, [&] { return below_->put(item, options); }, std::identity());
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) override {
    return call(
        StoreOperation::kRemove, [&] { return below_->remove(id, options); }, std::identity());
  }
  Health healthCheck() override {
    return call(
        StoreOperation::kHealthCheck, [&] { return below_->healthCheck(); },
        [](const absl::Status& error) {
          return Health{.component = "store",
                        .backend = "none",
                        .state = HealthState::kFail,
                        .error = describe(error)};
        });
  }

 private:
  template <typename Execute, typename Fail>
  std::invoke_result_t<Execute> call(StoreOperation operation, Execute execute, Fail fail) {
    const std::optional<Fault> fault = faults_->enter(operation);
    if (fault && fault->when == Fault::When::kBefore) return fail(fault->error);
    auto answer = execute();
    faults_->leave(operation);
    if (fault) return fail(fault->error);
    return answer;
  }

  std::unique_ptr<Store<T>> below_;
  std::shared_ptr<FaultPlan> faults_;
};

}  // namespace strata::testing
