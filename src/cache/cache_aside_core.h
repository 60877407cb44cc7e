#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "src/cache/cache_aside.h"
#include "src/cache/cache_fills.h"
#include "src/cache/cache_metrics.h"
#include "src/cache/cell.h"
#include "src/cache/invalidator.h"
#include "src/cache/load_times.h"
#include "src/cache/loads_under_way.h"
#include "src/cache/record_shape.h"
#include "src/cache/shared_loads.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"
#include "strata/base/nonce.h"
#include "strata/cache/guarded_cache.h"

namespace strata::internal {

struct CacheAside::Core {
  Core(std::shared_ptr<GuardedCache> cache, const EntityInfo& entity, CachingOptions options,
       std::shared_ptr<Metrics> metrics, const Clock& clock, std::shared_ptr<Executor> executor);

  // ---- Looking up ----

  // A lookup that the cache is asked about, and whose it is.
  struct Question {
    Core* core;
    Lookup* lookup;
  };
  using Questions = absl::InlinedVector<Question, 1>;

  void lookUp(absl::Span<const Id> ids, const ReadOptions& read, absl::Span<Lookup> lookups);
  // Whether the cache is to be asked; otherwise the lookup is done.
  bool admit(const Id& id, const ReadOptions& read, MonotonicTime now, Lookup& lookup);
  // One round trip to each cache.
  static void ask(Questions questions, const ReadOptions& read);
  // Of one cache and time of leases.
  static void askOne(absl::Span<const Question> questions, const ReadOptions& read);
  void stamp(Lookup& lookup) const;
  // Once for each store.
  static void noteLookupTime(absl::Span<const Question> questions);
  // Whether the lookup is done; otherwise what was found is of no use and can be replaced.
  bool resolve(absl::StatusOr<LeaseReply> reply, const ReadOptions& read, Lookup& lookup);
  bool resolveCell(std::string bytes, const ReadOptions& read, Lookup& lookup);
  // Whether the lookup is done; otherwise the cell can be replaced.
  bool reject(Reject flaw, const Cell& cell, Lookup& lookup);
  // Whether the payload is there as it was encoded.
  bool unpack(const Cell& cell, Lookup& lookup);
  // Replaces cells that nobody can use by leases of ours, where they are still there. Of one cache.
  static void replace(absl::Span<const Question> questions);
  // For bytes that are no cell and so have no nonce to compare with: away with them.
  void discard(const Lookup& lookup);
  void lease(Lookup& lookup);
  void bypass(Lookup& lookup, Bypass reason);
  void fail(Lookup& lookup, const absl::Status& status);
  void countIfFilledByAnother(const Lookup& lookup) const {
    if (lookup.filled_by_another) metrics.bypasses[Bypass::kFilling].increment();
  }

  // ---- Waiting for a fill ----

  // One read that waits, with its own bounds.
  struct Waiter {
    const Id& id;
    const ReadOptions& read;
    MonotonicTime lease_ends;  // at the latest
    MonotonicTime gives_up;    // watching another process's lease
  };
  Waiter waiterFor(const Id& id, const ReadOptions& read, const Lookup& found) const;
  void lookAgain(const Waiter& waiter, Lookup& found);
  // Until something else than a lease is found, or there is nothing to wait for any more.
  void awaitFill(const Waiter& waiter, Lookup& found);
  // For the load of this process that holds the lease that was found.
  LoadsUnderWay::Outcome awaitLoad(const Waiter& waiter, const Lookup& found);
  // These two: whether to go on.
  bool leadOthers(const Waiter& waiter, std::shared_ptr<SharedLead> lead, bool watches,
                  Lookup& found);
  bool follow(const Waiter& waiter, std::shared_ptr<SharedLoads::Party> party, Lookup& found);
  // Whether the lease turned out to be that of a load of this process.
  bool watch(const Waiter& waiter, Lookup& found);
  // Whether it did.
  bool pauseBeforeLook(const Nonce& lease, MonotonicTime until);

  // ---- Filling ----

  CacheFills::Fill fillFor(const Fill& fill) const;
  absl::Duration jittered(absl::Duration ttl, const Nonce& nonce) const;
  Cell cellFor(CellTag tag, const Lookup& lookup) const;
  std::string valueCell(const Fill& fill) const;

  const std::shared_ptr<GuardedCache> cache;
  const CachingOptions options;
  const std::shared_ptr<Metrics> metrics_owner;
  const Clock& clock;
  const std::string key_prefix;
  const std::uint64_t identity;
  const RecordShape shape;
  const std::string advice;  // logged where other stores use the same keys
  CacheMetrics metrics;
  Invalidator invalidator;
  LoadTimes load_times;
  LoadsUnderWay loads;
  SharedLoads shared_loads{clock};
  CacheFills fills;  // last: it sends what is queued with the help of all the above
};

}  // namespace strata::internal
