#pragma once

#include <cstdint>
#include <optional>

#include "src/cache/cache_metrics.h"
#include "src/cache/cell.h"
#include "src/cache/record_shape.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// What a reader of a key demands of the cell that it finds, besides the shape of its type.
struct CellDemand {
  std::uint64_t key_hash = 0;
  Incarnation incarnation;
  // At least this.
  std::uint64_t epoch = 0;
  // See cellIdentity.
  std::uint64_t identity = 0;
};

// Why a reader does not use the cell, a value or a note that there is none; none: it uses it. For
// readers, and for tools that have to know what readers do.
std::optional<Reject> flawOf(const Cell& cell, const CellDemand& demand, const RecordShape& shape);

}  // namespace strata::internal
