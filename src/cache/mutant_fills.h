#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "src/base/mutants.h"
#include "src/cache/cell.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// How some mutants fill: not against the lease.
inline bool fillsAreUnfenced() {
  return isAlive(Mutant::kPlainCacheAside) || isAlive(Mutant::kDoubleDelete) ||
         isAlive(Mutant::kVersionCompare);
}

inline std::vector<absl::StatusOr<bool>> unfencedFills(Cache& cache,
                                                       absl::Span<const CompareAndSet> fills) {
  std::vector<absl::StatusOr<bool>> stored;
  for (const CompareAndSet& fill : fills) {
    const std::string key(fill.key);
    const auto present = cache.get(key);
    const auto is_newer = [&] {
      const auto cell = present.ok() && *present ? Cell::parse(**present) : std::nullopt;
      return cell && cell->version > Cell::parse(fill.value)->version;
    };
    const bool refused = isAlive(Mutant::kVersionCompare) && is_newer();
    stored.emplace_back(!refused && cache.set(key, fill.value, fill.ttl).ok());
  }
  return stored;
}

}  // namespace strata::internal
