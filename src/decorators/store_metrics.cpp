#include "src/decorators/store_metrics.h"

#include <cstddef>

namespace strata::internal {
namespace {

constexpr std::array<const char*, 4> kOperations{"get", "get_many", "put", "remove"};
constexpr std::array<const char*, 4> kResults{"hit", "absent", "ok", "error"};

}  // namespace

StoreMetrics::StoreMetrics(std::shared_ptr<Metrics> metrics, const std::string& store,
                           const std::string& layer)
    : metrics_(std::move(metrics)) {
  for (std::size_t i = 0; i < kOperations.size(); ++i) {
    const Labels labels{{"store", store}, {"layer", layer}, {"operation", kOperations[i]}};
    latencies_[i] = &metrics_->histogram("strata_store_latency_seconds", labels);
    for (std::size_t k = 0; k < kResults.size(); ++k) {
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
