// DistinctIds: the ids of a getMany with each one once, for stores that must not ask twice.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "strata/records/id.h"

namespace strata::internal {

class DistinctIds {
 public:
  // `asked` must outlive it.
  explicit DistinctIds(absl::Span<const Id> asked);

  // In the order in which they were first asked for.
  absl::Span<const Id> ids() const { return positions_.empty() ? asked_ : absl::MakeSpan(ids_); }

  // One answer for each id that was asked for, from one answer for each of `ids()`.
  template <typename Answer>
  std::vector<Answer> spread(std::vector<Answer> answers) const {
    if (positions_.empty()) return answers;
    std::vector<Answer> spread;
    spread.reserve(positions_.size());
    for (std::size_t position : positions_) spread.push_back(answers[position]);
    return spread;
  }

 private:
  const absl::Span<const Id> asked_;
  // Both empty where every id was asked for once.
  std::vector<Id> ids_;
  std::vector<std::size_t> positions_;  // in ids_, of each id that was asked for
};

}  // namespace strata::internal
