// CacheAside: the decisions of a CachingStore, over bytes. It knows keys, cells, leases, times to
// live and failures, and nothing of the type that is cached.
//
// Reading is look up, then on a miss load from below and fill:
//
//   hit        the cached payload is new enough: use it
//   absent     the cache knows that the database has no such value
//   leased     nothing there, and the right to fill it is ours: load, return, fill
//   bypass     load and return, but do not fill (another process is filling, the cache is down, …)
//   shared     another caller of this process has loaded it after this one asked: use that
//
// A fill is a compare-and-set against the lease's own nonce, so a deletion that came in between, or
// anybody else's lease, makes it do nothing. Writing is: write below, then `invalidate`, then
// answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "src/cache/cell.h"
#include "src/cache/cell_demand.h"
#include "src/cache/shared_loads.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/executor.h"
#include "strata/base/health.h"
#include "strata/base/metrics.h"
#include "strata/base/nonce.h"
#include "strata/cache/cache.h"
#include "strata/cache/caching_options.h"
#include "strata/records/entity.h"
#include "strata/store/options.h"
#include "strata/store/unit_of_work.h"

namespace strata::internal {

// Thread-safe.
class CacheAside {
 public:
  enum class Outcome : std::uint8_t { kHit, kAbsent, kLeased, kBypass, kShared };

  struct Lookup {
    Outcome outcome = Outcome::kBypass;
    // Not ok: the caller's answer, without asking the store below. The id is bad, the deadline has
    // passed, or the cache failed and is kCritical.
    absl::Status status;
    std::string key;
    std::uint64_t key_hash = 0;

    // kHit: the cell that was found, and where its payload stands in it.
    std::string cell;
    std::size_t payload_at = 0;
    Version version;
    // kHit: whether it was filled by a binary with another version of the type.
    bool of_another_shape = false;

    // What a fill needs: whose cell it replaces, in which life of the server and which epoch,
    // since when.
    Nonce nonce{};
    Incarnation incarnation;
    std::uint64_t epoch = 0;
    MonotonicTime started;
    // kBypass: whether somebody else's lease is why, which is `cell` then.
    bool filled_by_another = false;
    // kBypass, of `lookup`: others wait for what this caller loads; `share` it. Null: nobody does.
    std::shared_ptr<SharedLead> lead;
    MonotonicTime load_began;
    // kShared.
    std::shared_ptr<SharedLoads::Party> loaded;
    // Where the payload was compressed: what it was before.
    std::string decompressed;

    // Whether the lease is ours, so that `fill` must be told what the store below answered.
    bool needsFill() const { return outcome == Outcome::kLeased; }

    std::string_view payload() const {
      if (!decompressed.empty()) return decompressed;
      return std::string_view(cell).substr(payload_at);
    }
  };

  // InvalidArgument: as from `validate`. FailedPrecondition: the cache cannot keep
  // options.consistency. A `cache` that is no GuardedCache gets one of its own around it; stores
  // that share a cache should share that too.
  static absl::StatusOr<std::unique_ptr<CacheAside>> create(
      std::shared_ptr<Cache> cache, const EntityInfo& entity, CachingOptions options,
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system(),
      std::shared_ptr<Executor> executor = Executor::shared());
  // Sends the fills that wait.
  ~CacheAside();

  // Where this process is filling already, waits for that, at most until the lease ends. Where
  // another one is, looks again after 1, 2, 4 … 50 ms, for twice the 95th percentile of this store's
  // loads (LoadTimes), at most until the lease ends; of a crowd one looks. The crowd that comes away
  // with nothing has one load. Never later than the deadline. The caller must hold no lease.
  Lookup lookup(const Id& id, const ReadOptions& options);
  // The same for many ids, which must be distinct, in one round trip. Waits for nobody.
  std::vector<Lookup> lookupMany(absl::Span<const Id> ids, const ReadOptions& options);

  // One of several lookups that go together, whatever they are lookups of. The id is borrowed.
  struct Asked {
    CacheAside* of;
    const Id* id;
    Lookup* lookup;
  };
  // The same for records of several types: one round trip to each cache.
  static void lookUpTogether(absl::Span<const Asked> asked, const ReadOptions& options);

  // A hit whose payload could not be decoded becomes a lease to replace it, or a bypass: mostly so
  // where another version of the type filled it, which can decode it. Counted, and logged once.
  void rejectPayload(Lookup& hit, const absl::Status& why);

  // What the backing store answered to a lookup that was leased. Fill each leased lookup exactly once
  // (kFailed included); until then other readers wait for it.
  struct Fill {
    enum class Answer : std::uint8_t { kValue, kAbsent, kFailed };
    const Lookup* lookup;
    Answer answer;
    std::string payload;  // kValue
    Version version;      // kValue
    // Whether it took a load, whose time tells how long to wait for those of other processes.
    bool was_loaded = true;
  };
  // One round trip for all. A fill that fails is counted; no reader is affected.
  void fill(absl::Span<const Fill> fills);
  struct PlannedFill {
    CacheAside* by;
    Fill fill;
  };
  // The same for records of several types: one round trip to each cache.
  static void fillTogether(absl::Span<const PlannedFill> fills);

  // What a caller with a `lead` has loaded, for those who wait for it. Where it ran out of time, by
  // the caller's own `deadline`, they look into the cache again.
  void share(Lookup& lookup, SharedLoads::Answer answer, Deadline deadline);

  // See Invalidator::after.
  void invalidateAfter(const absl::Status& written, absl::Span<const Id> ids,
                       UnitOfWork* unit = nullptr);

  // Of a reader that found a cell under `key` now.
  CellDemand demandOf(const std::string& key) const;

  // The cache as a part of a store: never worse than kWarn unless it is kCritical.
  Health healthCheck();

 private:
  struct Core;
  explicit CacheAside(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace strata::internal
