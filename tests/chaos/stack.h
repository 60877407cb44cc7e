// The stack under test, assembled by hand so that delays stand between its layers.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/metrics.h"
#include "strata/store/store.h"
#include "tests/chaos/control.h"
#include "tests/chaos/record.h"

namespace strata::chaos {

// Short, so that a run of a minute sees many of each end.
inline constexpr absl::Duration kValueTtl = absl::Seconds(3);
inline constexpr double kTtlJitter = 0.1;
inline constexpr absl::Duration kNegativeTtl = absl::Seconds(1);
inline constexpr absl::Duration kLeaseTtl = absl::Seconds(1);
// How old an answer may be at any level (T9 of the protocol): the lease, and the longest life of a
// value.
inline constexpr absl::Duration kWorstStaleness = absl::Milliseconds(1'000 + 3'300);

absl::StatusOr<std::unique_ptr<Store<ChaosRecord>>> makeStack(const Slot& slot, Consistency level,
                                                              std::shared_ptr<Metrics> metrics);

}  // namespace strata::chaos
