// KeyTimeline: what one key held, in the order of versions, and which call made it so.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "absl/types/span.h"
#include "tests/chaos/checker.h"

namespace strata::chaos {

class KeyTimeline {
 public:
  static constexpr std::int64_t kNewest = std::numeric_limits<std::int64_t>::max();

  // `commits` in any order; `operations` must outlive this.
  KeyTimeline(const Commit& initial, std::vector<Commit> commits,
              absl::Span<const Operation* const> operations);

  // The commit with exactly this version; null when there is none.
  const Commit* commitOf(std::int64_t version) const;
  // The version that the write has by the audit; none if it is not there. Not for a removal that
  // was not answered: it has no number to know it by.
  std::optional<std::int64_t> versionOf(const Operation& write) const;
  std::size_t commitsOf(std::uint64_t number) const;
  // The call that wrote it; null for what was there at the start.
  const Operation* writerOf(std::uint64_t number) const;

  // How new "there is none" may be, for a read that returned at `returned`: below the first version
  // with a value after the newest absence that it can have seen. None where there was no absence.
  std::optional<std::int64_t> newestAbsence(std::int64_t returned) const;
  std::int64_t initialVersion() const { return commits_.front().version; }

 private:
  std::int64_t removalBegan(const Commit& removal) const;

  std::vector<Commit> commits_;  // by version; the first is the state at the start
  std::unordered_map<std::uint64_t, const Operation*> writers_;
  std::unordered_map<std::uint64_t, std::vector<std::int64_t>> versions_of_numbers_;
  std::unordered_map<std::int64_t, const Operation*> removals_;
  // When the first removal began that was never answered.
  std::int64_t first_unknown_removal_ = kNewest;
};

}  // namespace strata::chaos
