// Hazards: what the stack itself counted of the dangerous moments. A run in which they hardly
// happened has shown nothing, however clean its history is.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "strata/base/metrics.h"

namespace strata::chaos {

enum class Hazard : std::uint8_t {
  kHits,
  kMisses,
  kBypasses,  // all but those that the caller asked for
  kStored,
  kLostLease,
  kLateFill,
  kOtherIncarnation,
  kPendingBypass,
  kFillingBypass,
  kErrorBypass,
  kFullBypass,
  kPendingDeletes,
  kBreakerBypass,
  kRecovery,
  // Not counts but how it is now.
  kPendingNow,
  kBreakerNow,
};
inline constexpr std::size_t kHazards = 16;

using HazardCounts = std::array<std::int64_t, kHazards>;
using SharedHazardCounts = std::array<std::atomic<std::int64_t>, kHazards>;

const char* nameOf(Hazard hazard);
std::int64_t at(const HazardCounts& counts, Hazard hazard);
HazardCounts operator-(const HazardCounts& a, const HazardCounts& b);

// What `metrics` has counted so far.
HazardCounts countHazards(const InMemoryMetrics& metrics);

// How often a hazard must have happened in so many seconds of faults, by all processes together.
std::int64_t leastOf(Hazard hazard, double seconds);

// Of all lookups, the part that the cache answered.
double hitRatio(const HazardCounts& counts);

}  // namespace strata::chaos
