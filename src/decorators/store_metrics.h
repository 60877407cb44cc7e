#pragma once

#include <array>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "strata/base/metrics.h"

namespace strata::internal {

// The metrics of one layer, for MeteredStore and for stores that are no Store<T>. Thread-safe.
class StoreMetrics {
 public:
  enum class Operation { kGet, kGetMany, kPut, kRemove };
  enum class Result { kHit, kAbsent, kOk, kError };

  StoreMetrics(std::shared_ptr<Metrics> metrics, const std::string& store,
               const std::string& layer);
  // `result` must be one that the operation can have: kHit, kAbsent and kError of a read, kOk and
  // kError of a write. No metric is exported for the others.
  void count(Operation operation, Result result);
  void time(Operation operation, absl::Duration latency);

 private:
  std::shared_ptr<Metrics> metrics_;  // owns what the pointers below point to
  std::array<std::array<Counter*, 4>, 4> calls_{};
  std::array<Histogram*, 4> latencies_;
};

}  // namespace strata::internal
