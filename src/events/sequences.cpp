#include "src/events/sequences.h"

#include <algorithm>

namespace strata::internal {

EventSequences::Instance& EventSequences::instance(std::string_view id) {
  auto found = instances_.find(id);
  if (found == instances_.end()) {
    if (instances_.size() >= kMaxInstances) forgetOldest();
    found = instances_.emplace(std::string(id), Instance{}).first;
  }
  found->second.heard_at = ++heard_;
  return found->second;
}

void EventSequences::forgetOldest() {
  instances_.erase(std::min_element(
      instances_.begin(), instances_.end(),
      [](const auto& a, const auto& b) { return a.second.heard_at < b.second.heard_at; }));
}

EventSequences::Verdict EventSequences::heard(std::string_view instance_id,
                                              std::uint64_t sequence) {
  Instance& from = instance(instance_id);
  if (sequence <= from.last) return {};
  const std::uint64_t missed = from.last == 0 ? 0 : sequence - from.last - 1;
  const bool gap = missed > 0 && !from.gap_told;
  from.last = sequence;
  from.gap_told = false;
  return {.is_new = true, .gap = gap, .missed = missed};
}

EventSequences::Verdict EventSequences::lost(std::string_view instance_id, std::uint64_t sequence,
                                             std::uint64_t missed) {
  Instance& from = instance(instance_id);
  if (sequence <= from.last) return {};
  if (from.last != 0) missed = sequence - from.last;
  from.last = sequence;
  from.gap_told = false;
  return {.is_new = true, .gap = true, .missed = missed};
}

void EventSequences::disconnected() {
  for (auto& [id, instance] : instances_) instance.gap_told = true;
}

}  // namespace strata::internal
