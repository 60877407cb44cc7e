// MeteredStore<T>: counts and times the calls of the store below it.
//
//   strata_store_calls_total{store, layer, operation, result}   result: hit, absent, ok, error
//   strata_store_latency_seconds{store, layer, operation}
//
// `layer` says which store of a stack it stands on: "store" for the whole stack, "database" for the
// innermost one. Of getMany every id is a call of its own that took as long as the whole.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "strata/base/clock.h"
#include "strata/base/metrics.h"
#include "strata/store/internal/staged_read.h"
#include "strata/store/store.h"

namespace strata {

// The metrics of one layer, for MeteredStore and for stores that are no Store<T>. Thread-safe.
class StoreMetrics {
 public:
  enum class Operation { kGet, kGetMany, kPut, kRemove };
  enum class Result { kHit, kAbsent, kOk, kError };

  StoreMetrics(std::shared_ptr<Metrics> metrics, const std::string& store,
               const std::string& layer);
  void count(Operation operation, Result result);
  void time(Operation operation, absl::Duration latency);

 private:
  std::shared_ptr<Metrics> metrics_;  // owns what the pointers below point to
  std::array<std::array<Counter*, 4>, 4> calls_;
  std::array<Histogram*, 4> latencies_;
};

template <typename T>
class MeteredStore final : public Store<T> {
 public:
  MeteredStore(std::unique_ptr<Store<T>> inner, std::shared_ptr<Metrics> metrics,
               const std::string& store, const std::string& layer,
               const Clock& clock = Clock::system())
      : inner_(std::move(inner)), metrics_(std::move(metrics), store, layer), clock_(clock) {}

  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) override {
    const MonotonicTime start = clock_.now();
    auto answer = inner_->get(id, options);
    metrics_.time(Operation::kGet, clock_.now() - start);
    metrics_.count(Operation::kGet, resultOf(answer));
    return answer;
  }

  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) override {
    const MonotonicTime start = clock_.now();
    Snapshots<T> answers = inner_->getMany(ids, options);
    metrics_.time(Operation::kGetMany, clock_.now() - start);
    for (const auto& answer : answers) metrics_.count(Operation::kGetMany, resultOf(answer));
    return answers;
  }

  absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) override {
    const MonotonicTime start = clock_.now();
    return written(Operation::kPut, start, inner_->put(item, options));
  }

  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) override {
    const MonotonicTime start = clock_.now();
    return written(Operation::kRemove, start, inner_->remove(id, options));
  }

  Health healthCheck() override { return inner_->healthCheck(); }

  std::shared_ptr<StagedReadOf<T>> stagedGet(const Id& id, const ReadOptions& options) override {
    const MonotonicTime start = clock_.now();
    auto read = inner_->stagedGet(id, options);
    if (read == nullptr) return read;
    read->onceAnswered([this, start](const absl::StatusOr<Snapshot<T>>& answer) {
      metrics_.time(Operation::kGet, clock_.now() - start);
      metrics_.count(Operation::kGet, resultOf(answer));
    });
    return read;
  }

 private:
  using Operation = StoreMetrics::Operation;
  using Result = StoreMetrics::Result;

  static Result resultOf(const absl::StatusOr<Snapshot<T>>& answer) {
    if (!answer.ok()) return Result::kError;
    return *answer == nullptr ? Result::kAbsent : Result::kHit;
  }

  absl::StatusOr<Version> written(Operation operation, MonotonicTime start,
                                  absl::StatusOr<Version> version) {
    metrics_.time(operation, clock_.now() - start);
    metrics_.count(operation, version.ok() ? Result::kOk : Result::kError);
    return version;
  }

  std::unique_ptr<Store<T>> inner_;
  StoreMetrics metrics_;
  const Clock& clock_;
};

}  // namespace strata
