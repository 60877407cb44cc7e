#include "tests/chaos/key_timeline.h"

#include <algorithm>
#include <utility>

namespace strata::chaos {

KeyTimeline::KeyTimeline(const Commit& initial, std::vector<Commit> commits,
                         absl::Span<const Operation* const> operations)
    : commits_(std::move(commits)) {
  std::sort(commits_.begin(), commits_.end(),
            [](const Commit& a, const Commit& b) { return a.version < b.version; });
  commits_.insert(commits_.begin(), initial);
  for (const Commit& commit : commits_) {
    if (!commit.removed) versions_of_numbers_[commit.number].push_back(commit.version);
  }
  for (const Operation* operation : operations) {
    const Entry& entry = operation->entry;
    if (entry.op == Op::kPut) {
      writers_[entry.number] = operation;
    } else if (entry.op == Op::kRemove && entry.outcome == Outcome::kOk) {
      removals_[entry.version] = operation;
    } else if (entry.op == Op::kRemove && entry.outcome != Outcome::kRefused) {
      first_unknown_removal_ = std::min(first_unknown_removal_, entry.invoked);
    }
  }
}

const Commit* KeyTimeline::commitOf(std::int64_t version) const {
  const auto found =
      std::lower_bound(commits_.begin(), commits_.end(), version,
                       [](const Commit& commit, std::int64_t v) { return commit.version < v; });
  return found == commits_.end() || found->version != version ? nullptr : &*found;
}

std::optional<std::int64_t> KeyTimeline::versionOf(const Operation& write) const {
  if (write.isDone()) return write.entry.version;
  const auto found = versions_of_numbers_.find(write.entry.number);
  if (write.entry.op != Op::kPut || found == versions_of_numbers_.end()) return std::nullopt;
  return found->second.front();
}

std::size_t KeyTimeline::commitsOf(std::uint64_t number) const {
  const auto found = versions_of_numbers_.find(number);
  return found == versions_of_numbers_.end() ? 0 : found->second.size();
}

const Operation* KeyTimeline::writerOf(std::uint64_t number) const {
  const auto found = writers_.find(number);
  return found == writers_.end() ? nullptr : found->second;
}

std::int64_t KeyTimeline::removalBegan(const Commit& removal) const {
  const auto found = removals_.find(removal.version);
  return found == removals_.end() ? first_unknown_removal_ : found->second->entry.invoked;
}

std::optional<std::int64_t> KeyTimeline::newestAbsence(std::int64_t returned) const {
  std::int64_t next_value = kNewest;
  for (std::size_t i = commits_.size(); i-- > 0;) {
    const Commit& commit = commits_[i];
    if (!commit.removed) {
      next_value = commit.version;
    } else if (i == 0 || removalBegan(commit) < returned) {
      return next_value - 1;
    }
  }
  return std::nullopt;
}

}  // namespace strata::chaos
