#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/base/metrics.h"

namespace strata::internal {

// What one operation of a domain store counts: the same metrics as a MeteredStore<T>. Thread-safe.
class StoreOperation {
 public:
  // Whether what is asked for can be missing. No metric is exported for what cannot be.
  enum class Absence : std::uint8_t { kPossible, kImpossible };

  // `metrics` must outlive it.
  StoreOperation(Metrics& metrics, const std::string& store, const std::string& operation,
                 Absence absence = Absence::kPossible);

  // Off: nobody counts, so a call need not read the clock.
  bool isOn() const { return latency_ != nullptr; }
  // NotFound counts as absent where absence is possible, and as an error elsewhere.
  void note(const absl::Status& outcome, absl::Duration latency) const;

 private:
  Counter* ok_;
  Counter* absent_ = nullptr;  // null where absence is impossible
  Counter* error_;
  Histogram* latency_;
};

}  // namespace strata::internal
