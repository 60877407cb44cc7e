#include "strata/decorators/metered_store.h"

#include <utility>

#include "src/decorators/store_metrics.h"
#include "strata/store/internal/staged_read.h"

namespace strata::internal {
namespace {

using AnySnapshots = Snapshots<AnyRecord>;
using Operation = StoreMetrics::Operation;
using Result = StoreMetrics::Result;

Result resultOf(const absl::StatusOr<AnySnapshot>& answer) {
  if (!answer.ok()) return Result::kError;
  return *answer == nullptr ? Result::kAbsent : Result::kHit;
}

class MeteredRecords final : public AnyStore {
 public:
  MeteredRecords(std::unique_ptr<AnyStore> backing, std::shared_ptr<Metrics> metrics,
                 const std::string& store, const std::string& layer, const Clock& clock)
      : backing_(std::move(backing)), metrics_(std::move(metrics), store, layer), clock_(clock) {}

  absl::StatusOr<AnySnapshot> get(const Id& id, const ReadOptions& options) override {
    const MonotonicTime start = clock_.now();
    auto answer = backing_->get(id, options);
    metrics_.time(Operation::kGet, clock_.now() - start);
    metrics_.count(Operation::kGet, resultOf(answer));
    return answer;
  }

  AnySnapshots getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    const MonotonicTime start = clock_.now();
    AnySnapshots answers = backing_->getMany(ids, options);
    metrics_.time(Operation::kGetMany, clock_.now() - start);
    for (const auto& answer : answers) metrics_.count(Operation::kGetMany, resultOf(answer));
    return answers;
  }

  absl::StatusOr<Version> put(const AnyRecord& item, const WriteOptions& options) override {
    const MonotonicTime start = clock_.now();
    return written(Operation::kPut, start, backing_->put(item, options));
  }

  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override {
    const MonotonicTime start = clock_.now();
    return written(Operation::kRemove, start, backing_->remove(id, options));
  }

  Health healthCheck() override { return backing_->healthCheck(); }

  StagedGet<AnyRecord> stagedGet(const Id& id, const ReadOptions& options) override {
    const MonotonicTime start = clock_.now();
    StagedGet<AnyRecord> staged = backing_->stagedGet(id, options);
    if (staged.read == nullptr) return staged;
    staged.read->onceAnswered([this, start](const absl::StatusOr<AnySnapshot>& answer) {
      metrics_.time(Operation::kGet, clock_.now() - start);
      metrics_.count(Operation::kGet, resultOf(answer));
    });
    return staged;
  }

 private:
  absl::StatusOr<Version> written(Operation operation, MonotonicTime start,
                                  absl::StatusOr<Version> version) {
    metrics_.time(operation, clock_.now() - start);
    metrics_.count(operation, version.ok() ? Result::kOk : Result::kError);
    return version;
  }

  const std::unique_ptr<AnyStore> backing_;
  StoreMetrics metrics_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<AnyStore> createMeteredRecords(std::unique_ptr<AnyStore> backing,
                                               std::shared_ptr<Metrics> metrics,
                                               const std::string& store, const std::string& layer,
                                               const Clock& clock) {
  return std::make_unique<MeteredRecords>(std::move(backing), std::move(metrics), store, layer,
                                          clock);
}

}  // namespace strata::internal
