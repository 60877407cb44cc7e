#include "tests/chaos/hazards.h"

#include <algorithm>
#include <string>

namespace strata::chaos {
namespace {

constexpr std::array<const char*, kHazards> kNames{
    "hits",
    "misses",
    "bypasses",
    "fills_stored",
    "fills_lost_lease",
    "fills_late",
    "cells_of_another_incarnation",
    "bypasses_pending_delete",
    "bypasses_being_filled",
    "bypasses_error",
    "bypasses_full",
    "deletes_pending",
    "bypasses_breaker_open",
    "breaker_recoveries",
    "deletes_pending_now",
    "breakers_open_now",
};

// Per second, about a twentieth of what a debug build reaches on two cores. Late fills depend on
// where a client happens to be stopped.
constexpr std::array<double, kHazards> kLeast{50, 20, 20,  20, 1,  0,   0.2, 0.5,
                                              2,  1,  0.2, 2,  20, 0.2, 0,   0};
// By then every kind of fault has had its turn, or nearly.
constexpr double kSecondsOfGrace = 15;

std::int64_t bypasses(const InMemoryMetrics& metrics, const std::string& reason) {
  return metrics.count("strata_cache_bypasses_total", {{"reason", reason}});
}

std::int64_t fills(const InMemoryMetrics& metrics, const std::string& result) {
  return metrics.count("strata_cache_fills_total", {{"result", result}});
}

}  // namespace

const char* nameOf(Hazard hazard) { return kNames[static_cast<std::size_t>(hazard)]; }

std::int64_t leastOf(Hazard hazard, double seconds) {
  const double counted = std::max(seconds - kSecondsOfGrace, 0.0);
  return static_cast<std::int64_t>(kLeast[static_cast<std::size_t>(hazard)] * counted);
}

std::int64_t at(const HazardCounts& counts, Hazard hazard) {
  return counts[static_cast<std::size_t>(hazard)];
}

HazardCounts operator-(const HazardCounts& a, const HazardCounts& b) {
  HazardCounts difference{};
  for (std::size_t i = 0; i < kHazards; ++i) difference[i] = a[i] - b[i];
  return difference;
}

HazardCounts countHazards(const InMemoryMetrics& metrics) {
  return {
      metrics.count("strata_cache_hits_total") + metrics.count("strata_cache_negative_hits_total"),
      metrics.count("strata_cache_misses_total"),
      metrics.count("strata_cache_bypasses_total") - bypasses(metrics, "latest"),
      fills(metrics, "stored"),
      fills(metrics, "lost_lease"),
      fills(metrics, "late"),
      metrics.count("strata_cache_rejected_cells_total", {{"reason", "other_incarnation"}}),
      bypasses(metrics, "pending_delete"),
      bypasses(metrics, "being_filled"),
      bypasses(metrics, "error"),
      bypasses(metrics, "full"),
      metrics.count("strata_cache_deletes_total", {{"result", "pending"}}),
      bypasses(metrics, "breaker_open"),
      metrics.count("strata_breaker_transitions_total", {{"to", "closed"}}),
      metrics.level("strata_pending_deletes"),
      metrics.level("strata_breaker_state"),
  };
}

double hitRatio(const HazardCounts& counts) {
  const auto hits = static_cast<double>(at(counts, Hazard::kHits));
  const auto others =
      static_cast<double>(at(counts, Hazard::kMisses) + at(counts, Hazard::kBypasses));
  return hits + others == 0 ? 0 : hits / (hits + others);
}

}  // namespace strata::chaos
