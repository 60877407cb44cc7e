#include "src/decorators/store_metrics.h"

#include <cstddef>

namespace strata::internal {
namespace {

constexpr std::array<const char*, 4> kOperations{"get", "get_many", "put", "remove"};
constexpr std::array<const char*, 4> kResults{"hit", "absent", "ok", "error"};

// Reads find or do not, writes succeed, both can fail.
bool isPossible(StoreMetrics::Operation operation, StoreMetrics::Result result) {
  const bool is_read =
      operation == StoreMetrics::Operation::kGet || operation == StoreMetrics::Operation::kGetMany;
  switch (result) {
    case StoreMetrics::Result::kHit:
    case StoreMetrics::Result::kAbsent:
      return is_read;
    case StoreMetrics::Result::kOk:
      return !is_read;
    case StoreMetrics::Result::kError:
      return true;
  }
  return false;
}

}  // namespace

StoreMetrics::StoreMetrics(std::shared_ptr<Metrics> metrics, const std::string& store,
                           const std::string& layer)
    : metrics_(std::move(metrics)) {
  for (std::size_t i = 0; i < kOperations.size(); ++i) {
    const Labels labels{{"store", store}, {"layer", layer}, {"operation", kOperations[i]}};
    latencies_[i] = &metrics_->histogram("strata_store_latency_seconds", labels);
    for (std::size_t k = 0; k < kResults.size(); ++k) {
      if (!isPossible(static_cast<Operation>(i), static_cast<Result>(k))) continue;
      Labels with_result = labels;
      with_result.emplace_back("result", kResults[k]);
      calls_[i][k] = &metrics_->counter("strata_store_calls_total", with_result);
    }
  }
}

void StoreMetrics::count(Operation operation, Result result) {
  calls_[static_cast<std::size_t>(operation)][static_cast<std::size_t>(result)]->increment();
}

void StoreMetrics::time(Operation operation, absl::Duration latency) {
  latencies_[static_cast<std::size_t>(operation)]->record(latency);
}

}  // namespace strata::internal
