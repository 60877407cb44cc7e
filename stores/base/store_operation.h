#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/base/metrics.h"

namespace strata::internal {

// What one operation of a domain store counts: the same metrics as a MeteredStore<T>. Thread-safe.
class StoreOperation {
 public:
  // `metrics` must outlive it.
  StoreOperation(Metrics& metrics, const std::string& store, const std::string& operation);

  // Off: nobody counts, so a call need not read the clock.
  bool isOn() const { return latency_ != nullptr; }
  // NotFound counts as absent.
  void note(const absl::Status& outcome, absl::Duration latency) const;

 private:
  Counter* ok_;
  Counter* absent_;
  Counter* error_;
  Histogram* latency_;
};

}  // namespace strata::internal
