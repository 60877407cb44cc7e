#include "src/cache/cell_demand.h"

#include "src/base/mutants.h"

namespace strata::internal {

std::optional<Reject> flawOf(const Cell& cell, const CellDemand& demand, const RecordShape& shape) {
  if (cell.key_hash != demand.key_hash) return Reject::kOtherKey;
  if (cell.incarnation != demand.incarnation && !isAlive(Mutant::kNoIncarnation)) {
    return Reject::kOtherLife;
  }
  if (!cell.understood) return Reject::kOtherFormat;
  if (cell.identity != demand.identity) return Reject::kOtherIdentity;
  if (cell.epoch < demand.epoch) return Reject::kOldEpoch;
  const bool is_readable =
      cell.tag == CellTag::kAbsent || shape.canRead(cell) || isAlive(Mutant::kMembersUnchecked);
  return is_readable ? std::nullopt : std::optional(Reject::kOtherType);
}

}  // namespace strata::internal
