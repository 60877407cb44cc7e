// CacheAside: how a read waits for the fill of another, in this process or elsewhere.
#include <algorithm>
#include <memory>
#include <utility>

#include "src/base/mutants.h"
#include "src/base/randomness.h"
#include "src/cache/cache_aside_core.h"

namespace strata::internal {
namespace {

using Lookup = CacheAside::Lookup;
using Outcome = CacheAside::Outcome;

// Between two looks at another's lease.
constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(50);
// Of this process's threads that are about to begin a load: where the clock stands still.
constexpr int kMostLooksAtOwn = 2000;

Nonce leaseIn(const Lookup& found) { return Cell::parse(found.cell)->nonce; }

}  // namespace

CacheAside::Core::Waiter CacheAside::Core::waiterFor(const Id& id, const ReadOptions& read,
                                                     const Lookup& found) const {
  const MonotonicTime lease_ends = found.started + options.lease_ttl;
  const absl::Duration patience = std::max(2 * load_times.percentile95(), kFirstPause);
  const MonotonicTime gives_up = std::min(found.started + patience, lease_ends);
  return {id, read, std::min(lease_ends, read.deadline.time()),
          std::min(gives_up, read.deadline.time())};
}

void CacheAside::Core::lookAgain(const Waiter& waiter, Lookup& found) {
  found = Lookup();
  lookUp({&waiter.id, 1}, waiter.read, {&found, 1});
}

void CacheAside::Core::awaitFill(const Waiter& waiter, Lookup& found) {
  metrics.waits.increment();
  bool goes_on = true;
  while (goes_on && found.filled_by_another) {
    // Joined before anything is waited for, so that a load which begins after that is for all.
    SharedLoads::Seat seat = shared_loads.join(found.key);
    // Where it ends without an answer the others look again.
    std::shared_ptr<SharedLead> lead;
    if (seat.leads) lead = std::make_shared<SharedLead>(shared_loads, seat.party);
    const LoadsUnderWay::Outcome waited = awaitLoad(waiter, found);
    if (waited == LoadsUnderWay::Outcome::kLookAgain) {
      lead = nullptr;
      lookAgain(waiter, found);
    } else if (lead != nullptr) {
      const bool is_another_process = waited == LoadsUnderWay::Outcome::kUnknown;
      goes_on = leadOthers(waiter, std::move(lead), is_another_process, found);
    } else {
      goes_on = follow(waiter, std::move(seat.party), found);
    }
  }
}

LoadsUnderWay::Outcome CacheAside::Core::awaitLoad(const Waiter& waiter, const Lookup& found) {
  const Nonce lease = leaseIn(found);
  using Waited = LoadsUnderWay::Outcome;
  Waited waited = loads.wait(lease, waiter.lease_ends);
  while (waited == Waited::kFillQueued) {
    if (!fills.sendQueuedOf(lease, waiter.read.deadline)) return Waited::kStillLoading;
    waited = loads.wait(lease, waiter.lease_ends);
    // It is known to be a load of this process, so it is filled.
    if (waited == Waited::kUnknown) return Waited::kLookAgain;
  }
  return waited;
}

bool CacheAside::Core::leadOthers(const Waiter& waiter, std::shared_ptr<SharedLead> lead,
                                  bool watches, Lookup& found) {
  if (watches && watch(waiter, found)) return true;
  const bool is_bypass = found.outcome == Outcome::kBypass && found.status.ok();
  if (!is_bypass || !lead->begin(waiter.read.deadline.time())) return false;
  found.load_began = clock.now();
  found.lead = std::move(lead);
  return false;
}

bool CacheAside::Core::follow(const Waiter& waiter, std::shared_ptr<SharedLoads::Party> party,
                              Lookup& found) {
  switch (shared_loads.await(*party, waiter.read.deadline.time())) {
    case SharedLoads::Told::kTimeIsUp:
      return false;
    case SharedLoads::Told::kLookAgain:
      lookAgain(waiter, found);
      return true;
    case SharedLoads::Told::kAnswer:
      break;
  }
  // The leader may have asked a cache below for less.
  const bool is_enough = SharedLoads::answerOf(*party).version >= waiter.read.min_version;
  if (is_enough) found.outcome = Outcome::kShared;
  found.loaded = std::move(party);
  return false;
}

bool CacheAside::Core::watch(const Waiter& waiter, Lookup& found) {
  absl::Duration pause = kFirstPause;
  for (int looks = 0; found.filled_by_another; ++looks) {
    const MonotonicTime now = clock.now();
    const bool gives_up = now >= waiter.gives_up || looks == kMostLooksAtOwn;
    if (gives_up && !isAlive(Mutant::kWaitWithoutBound)) return false;
    if (pauseBeforeLook(leaseIn(found), std::min(now + pause, waiter.gives_up))) return true;
    pause = std::min(2 * pause, kLongestPause);
    lookAgain(waiter, found);
  }
  return false;
}

bool CacheAside::Core::pauseBeforeLook(const Nonce& lease, MonotonicTime until) {
  // A thread of this process that lost its processor before it could tell of its lease.
  if (internal::isOwn(lease)) return loads.awaitBegin(lease, until);
  clock.sleepFor(until - clock.now());
  return false;
}

}  // namespace strata::internal
