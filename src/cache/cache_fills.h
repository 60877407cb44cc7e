#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "src/base/background.h"
#include "src/cache/cache_metrics.h"
#include "src/cache/cell.h"
#include "src/cache/loads_under_way.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/executor.h"
#include "strata/base/nonce.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// The way of fills into the cache: at once, or off the caller's path through a bounded queue.
//
// A fill is a compare-and-set against the lease that it was given for, so it may be late, or lost,
// or sent after its process has long forgotten it. Thread-safe.
class CacheFills {
 public:
  struct Fill {
    std::string key;
    Nonce lease;
    std::string cell;
    absl::Duration ttl;
    Incarnation incarnation;
    // What to count once it has been stored.
    Filled outcome;
    MonotonicTime expires;  // the lease
  };

  // `max_queued` zero: at once. All must outlive it.
  CacheFills(Cache& cache, LoadsUnderWay& loads, CacheMetrics& metrics, std::size_t max_queued,
             const Clock& clock, std::shared_ptr<Executor> executor);
  // Sends what is queued.
  ~CacheFills();

  void send(std::vector<Fill> fills);

  // Sends the fill of `lease` if it is still queued. For readers that wait for it: they do not
  // depend on a thread of the executor, which may be waiting for the same fill. False: the deadline
  // passed meanwhile, and the fill is queued again.
  bool sendQueuedOf(const Nonce& lease, Deadline deadline);

  // Fills of several stores: those that go at once make one round trip to each cache.
  struct Owed {
    CacheFills* by;
    Fill fill;
  };
  static void sendTogether(std::vector<Owed> fills);

 private:
  void enqueue(std::vector<Fill> fills);
  // Until the queue is empty. By the one sender, for which is_sending_ is set.
  void sendQueued();
  // Where no thread can be had, by a caller. What is queued later has a sender of its own.
  void sendQueuedByNow();
  std::vector<Fill> takeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Fill> takeQueued(const Nonce& lease);
  void sendNow(absl::Span<const Fill> fills);

  struct Due {
    CacheFills* by;
    const Fill* fill;
  };
  // Of one cache; at least one.
  static void sendNow(absl::Span<const Due> due);
  bool isLate(const Fill& fill, MonotonicTime now);
  void note(const Fill& fill, const absl::StatusOr<bool>& reply);

  Cache& cache_;
  LoadsUnderWay& loads_;
  CacheMetrics& metrics_;
  const std::size_t max_queued_;
  const Clock& clock_;

  std::mutex mutex_;
  std::deque<Fill> queue_ ABSL_GUARDED_BY(mutex_);
  bool is_sending_ ABSL_GUARDED_BY(mutex_) = false;

  Background background_;  // last: its tasks use all of the above
};

}  // namespace strata::internal
