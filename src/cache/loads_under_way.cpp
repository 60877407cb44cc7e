#include "src/cache/loads_under_way.h"

#include <algorithm>

namespace strata::internal {

void LoadsUnderWay::begin(const Nonce& lease) {
  Shard& shard = shardOf(lease);
  const std::lock_guard lock(shard.mutex);
  shard.loads.try_emplace(lease);
}

void LoadsUnderWay::end(const Nonce& lease, bool worth_a_look) {
  Shard& shard = shardOf(lease);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.loads.find(lease);
  if (found == shard.loads.end() || found->second.outcome != Outcome::kStillLoading) return;
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

LoadsUnderWay::Outcome LoadsUnderWay::wait(const Nonce& lease, MonotonicTime until) {
  Shard& shard = shardOf(lease);
  std::unique_lock lock(shard.mutex);
  const auto found = shard.loads.find(lease);
  if (found == shard.loads.end()) {
    const auto& unfilled = shard.unfilled.leases;
    const bool is_over = std::find(unfilled.begin(), unfilled.end(), lease) != unfilled.end();
    return is_over ? Outcome::kNothingThere : Outcome::kUnknown;
  }
  Load& load = found->second;
  ++load.waiting;
  while (load.outcome == Outcome::kStillLoading && clock_.now() < until) {
    clock_.wait(lock, load.over, until);
  }
  const Outcome outcome = load.outcome;
  if (--load.waiting == 0 && outcome != Outcome::kStillLoading) shard.loads.erase(lease);
  return outcome;
}

}  // namespace strata::internal
