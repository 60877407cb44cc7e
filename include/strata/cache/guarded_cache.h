// GuardedCache: a cache that may hang, die and come back, behind a circuit breaker, with a memory
// of the deletions that it could not make.
//
//   auto guarded = GuardedCache::create(*RedisCache::create({.url = url}), {});
//
// While the breaker is open nobody waits for the cache: every call is answered Unavailable at once.
// A deletion that failed or was refused is remembered: `owesDeletion` is true of its key until it
// has been made, in the background. When the cache is back, one probe in the background first makes
// the deletions that are owed, and only then are calls let through.
//
// Where several servers share the keys, as in a cluster, each has a breaker of its own inside of the
// cache (docs/redis_cluster.md): a failure of one of them opens only that, and the breaker here opens
// when most of them fail.
//
// One per cache and process, shared by all stores over that cache: what one of them could not
// delete, no other may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/base/circuit_breaker.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"
#include "strata/cache/cache.h"

namespace strata {

struct GuardedCacheOptions {
  CircuitBreakerOptions breaker;
  // Deletions to remember key by key; past that the whole epoch is given up. At least 1.
  std::size_t max_pending_deletes = 100'000;
  // The key under which the cache keeps the epoch. All stores that share values share it.
  std::string epoch_key = "strata:epoch";
  // What health reports as the backend while the breaker is open: "redis" or "upstash".
  std::string backend = "redis";
};

// Thread-safe. Errors are those of Cache; Unavailable too while the breaker is open.
class GuardedCache final : public Cache {
 public:
  // InvalidArgument: an option is out of its range. `clock` must outlive it.
  static absl::StatusOr<std::shared_ptr<GuardedCache>> create(
      std::shared_ptr<Cache> cache, GuardedCacheOptions options = {},
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system(),
      std::shared_ptr<Executor> executor = Executor::shared());
  // `cache` itself if it is guarded already; otherwise guards it, with default options.
  static std::shared_ptr<GuardedCache> over(std::shared_ptr<Cache> cache,
                                            std::shared_ptr<Metrics> metrics, const Clock& clock,
                                            std::shared_ptr<Executor> executor);
  // Makes the deletions that are owed, if the cache can be reached.
  ~GuardedCache() override;

  CacheCapabilities capabilities() const override;
  Incarnation incarnation(std::string_view key) const override;
  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline = {}) override;
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline = {}) override;
  // Not ok: the keys that are not known to be gone are remembered.
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline = {}) override;
  std::vector<absl::Status> removeEach(absl::Span<const std::string> keys,
                                       Deadline deadline = {}) override;
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline = {}) override;
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline = {}) override;
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  // Asks nobody while the breaker is open.
  Health healthCheck() override;

  // Removes keys after a write of which nobody knows whether it took place: now, and again for half
  // a minute, during which they are owed.
  void removeUncertain(absl::Span<const std::string> keys);
  // Whether an old value may be stored under `key` that this process has replaced.
  bool owesDeletion(std::string_view key) const;
  std::size_t pendingDeletes() const;

  // Whatever was stored under an older epoch than this counts as absent. Zero at first; it moves
  // when more deletions are owed than can be remembered.
  std::uint64_t epoch() const;
  // To be told of every newer one that is met.
  void noteEpoch(std::uint64_t seen);

  CircuitBreaker& breaker();

 private:
  struct Core;
  explicit GuardedCache(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace strata
