#include "strata/core/distinct_ids.h"

#include "absl/container/flat_hash_map.h"

namespace strata {

DistinctIds::DistinctIds(absl::Span<const Id> asked) {
  absl::flat_hash_map<Id, std::size_t> seen;
  positions_.reserve(asked.size());
  for (const Id& id : asked) {
    const auto [entry, is_new] = seen.try_emplace(id, ids_.size());
    if (is_new) ids_.push_back(id);
    positions_.push_back(entry->second);
  }
}

}  // namespace strata
