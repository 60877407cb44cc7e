#include "stores/base/store_operation.h"

namespace strata::internal {

StoreOperation::StoreOperation(Metrics& metrics, const std::string& store,
                               const std::string& operation, Absence absence) {
  const Labels labels{{"store", store}, {"layer", "store"}, {"operation", operation}};
  const auto counter = [&](const char* result) {
    Labels all = labels;
    all.emplace_back("result", result);
    return &metrics.counter("strata_store_calls_total", all);
  };
  ok_ = counter("ok");
  if (absence == Absence::kPossible) absent_ = counter("absent");
  error_ = counter("error");
  latency_ = &metrics == Metrics::none().get()
                 ? nullptr
                 : &metrics.histogram("strata_store_latency_seconds", labels);
}

void StoreOperation::note(const absl::Status& outcome, absl::Duration latency) const {
  const bool is_absent = absent_ != nullptr && absl::IsNotFound(outcome);
  (outcome.ok() ? ok_ : is_absent ? absent_ : error_)->increment();
  latency_->record(latency);
}

}  // namespace strata::internal
