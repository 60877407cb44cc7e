#include "src/decorators/distinct_ids.h"

#include <string_view>

#include "strata/base/internal/seeded_hash.h"

namespace strata::internal {

DistinctIds::DistinctIds(absl::Span<const Id> asked) : asked_(asked) {
  SeededViewMap<std::size_t> first;  // where an id is asked for first
  first.reserve(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) first.try_emplace(asked[i].canonical(), i);
  if (first.size() == asked.size()) return;
  std::vector<std::size_t> place(asked.size());  // in ids_, of those that are first
  positions_.reserve(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::size_t one = first[asked[i].canonical()];
    if (one == i) {
      place[i] = ids_.size();
      ids_.push_back(asked[i]);
    }
    positions_.push_back(place[one]);
  }
}

}  // namespace strata::internal
