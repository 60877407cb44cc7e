// Looks into Redis itself, while no client is in a call.
//
//   I9   every key has a time to live
//   I10  every cached value that a reader would believe equals its row
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/chaos/checker.h"
#include "tests/chaos/rig.h"

namespace strata::chaos {

struct CacheAudit {
  std::vector<std::string> complaints;
  // Those that were compared with a row.
  std::size_t cells = 0;
};

CacheAudit auditCache(Rig& rig, const std::vector<Commit>& rows);

}  // namespace strata::chaos
