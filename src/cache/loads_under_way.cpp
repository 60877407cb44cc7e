#include "src/cache/loads_under_way.h"

#include <algorithm>
#include <utility>

namespace strata::internal {

void LoadsUnderWay::begin(const Nonce& lease) {
  Shard& shard = shardOf(lease);
  const std::lock_guard lock(shard.mutex);
  Load& load = shard.loads[lease];
  load.has_begun = true;
  if (load.waiting > 0) load.over.notify_all();
}

bool LoadsUnderWay::awaitBegin(const Nonce& lease, MonotonicTime until) {
  Shard& shard = shardOf(lease);
  std::unique_lock lock(shard.mutex);
  Load& load = shard.loads[lease];
  if (load.has_begun) return true;
  ++load.waiting;
  if (clock_.now() < until) clock_.wait(lock, load.over, until);
  const bool has_begun = load.has_begun;
  const bool is_over = !has_begun || load.outcome != Outcome::kStillLoading;
  if (--load.waiting == 0 && is_over) shard.loads.erase(lease);
  return has_begun;
}

void LoadsUnderWay::end(const Nonce& lease, bool worth_a_look) {
  Shard& shard = shardOf(lease);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.loads.find(lease);
  if (found == shard.loads.end() || !found->second.has_begun) return;
  if (found->second.outcome != Outcome::kStillLoading) return;
  if (!worth_a_look) {
    Unfilled& unfilled = shard.unfilled;
    unfilled.leases[unfilled.next++ % unfilled.leases.size()] = lease;
  }
  Load& load = found->second;
  load.outcome = worth_a_look ? Outcome::kLookAgain : Outcome::kNothingThere;
  if (load.waiting == 0) {
    shard.loads.erase(found);
  } else {
    load.over.notify_all();
  }
}

void LoadsUnderWay::queued(const Nonce& lease) {
  Shard& shard = shardOf(lease);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.loads.find(lease);
  if (found == shard.loads.end() || found->second.outcome != Outcome::kStillLoading) return;
  found->second.fill_is_queued = true;
  found->second.over.notify_one();
}

LoadsUnderWay::Outcome LoadsUnderWay::wait(const Nonce& lease, MonotonicTime until) {
  Shard& shard = shardOf(lease);
  std::unique_lock lock(shard.mutex);
  const auto found = shard.loads.find(lease);
  if (found == shard.loads.end() || !found->second.has_begun) {
    const auto& unfilled = shard.unfilled.leases;
    const bool is_over = std::find(unfilled.begin(), unfilled.end(), lease) != unfilled.end();
    return is_over ? Outcome::kNothingThere : Outcome::kUnknown;
  }
  Load& load = found->second;
  ++load.waiting;
  while (load.outcome == Outcome::kStillLoading && clock_.now() < until) {
    if (std::exchange(load.fill_is_queued, false)) {
      --load.waiting;
      return Outcome::kFillQueued;
    }
    clock_.wait(lock, load.over, until);
  }
  // This one has no time to send it, and may be the only one that was woken for it.
  if (load.fill_is_queued) load.over.notify_one();
  const Outcome outcome = load.outcome;
  if (--load.waiting == 0 && outcome != Outcome::kStillLoading) shard.loads.erase(lease);
  return outcome;
}

}  // namespace strata::internal
