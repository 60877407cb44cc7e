#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "src/base/background.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/base/metrics.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// The keys whose deletion is still owed: it failed, or its outcome is unknown, or the write before
// it may still come to pass. The cache may hold an old value under them, so this process reads past
// it until they have been deleted for good, in the background.
//
// Bounded: what does not fit is not remembered key by key. Instead nothing in the cache is believed
// until the epoch has been moved, and after that nothing that was stored before (see cell.h). Where a
// write that may still come to pass was among it, the epoch is moved when its key would have been
// deleted, and nothing is believed until the last time.
//
// Thread-safe.
class PendingDeletes {
 public:
  struct Options {
    std::size_t max_keys = 100'000;
    // Under which the cache keeps the epoch.
    std::string epoch_key = "strata:epoch";
    // In metrics.
    std::string name = "cache";
    // Whether a retry is of use now; while it is not, `drain` is somebody else's business.
    std::function<bool()> may_retry = [] { return true; };
  };

  // Both must outlive it.
  PendingDeletes(Cache& cache, Options options, Metrics& metrics, const Clock& clock,
                 std::shared_ptr<Executor> executor);
  // No retries from here on; those that run are waited for.
  void end() { background_.end(); }

  // Their deletion failed, or nobody knows.
  void add(absl::Span<const std::string> keys);
  // Whether the write before them took place is not known: a commit that nobody heard of may still
  // surface. They are deleted now, and again after 1, 5 and 30 seconds, and covered until then.
  void addUncertain(absl::Span<const std::string> keys);

  // Whether the cache must not be believed about `key`. Costs a load when nothing is pending.
  bool covers(std::string_view key) const;
  std::size_t size() const { return count_.load(std::memory_order_acquire) & ~kOverflowed; }

  // Deletes all that is due now, and moves the epoch where that is owed. Does not throw.
  //
  // A key that cannot be deleted does not hold up the others, unless nothing can. The answer is its
  // failure, with the mark of outage.h if all that failed have it.
  absl::Status drain();

  // What is stored under an older epoch than this is void.
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // Somebody has stored something under a newer one.
  void noteEpoch(std::uint64_t seen);

 private:
  static constexpr std::size_t kOverflowed = ~(~std::size_t{0} >> 1);

  struct Entry {
    // Which failure put it there, or put it off last: a deletion clears a key only if it began
    // after that.
    std::uint64_t failure = 0;
    MonotonicTime since;
    MonotonicTime due;
    // The last round that has tried to delete it since.
    std::uint64_t round = 0;
    // How many times it is deleted again after the next success.
    std::uint8_t repetitions = 0;
    // When such a repetition is due that a later failure came before; none: in the past.
    MonotonicTime put_off;
  };
  struct Attempt {
    std::vector<std::string> keys;
    std::vector<std::uint64_t> failures;
  };
  struct Tried {
    absl::Status failed;  // ok: every key is deleted
    bool any_deleted = false;
  };

  void remember(absl::Span<const std::string> keys, std::uint8_t repetitions);
  // A deletion has failed: it is due now.
  static void renew(Entry& entry, std::uint64_t failure, MonotonicTime now,
                    std::uint8_t repetitions);
  // It was made: whether it is made again, later.
  static bool repeats(Entry& entry, MonotonicTime now);
  void publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status deleteAllDue();
  std::uint64_t beginRound();
  // Keys that are due and that neither this round nor a later one has tried.
  Attempt nextAttempt(std::uint64_t round);
  // One call, for some keys of an attempt from the first-th on.
  Tried tryFrom(const Attempt& attempt, std::size_t first);
  void settle(const Attempt& attempt, std::size_t first, absl::Span<const absl::Status> removed);
  // Where keys were forgotten and that is due.
  absl::Status moveEpoch();
  // A number larger than any that was ever stored as the epoch.
  absl::StatusOr<std::uint64_t> nextEpoch();
  void retry(absl::Duration pause);
  // How long until anything is due; at most the longest pause.
  absl::Duration untilNext() const;

  Cache& cache_;
  const Options options_;
  const Clock& clock_;
  Gauge& keys_gauge_;
  Gauge& age_gauge_;
  Counter& overflows_;

  // How many keys, and whether more were forgotten.
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> epoch_{0};

  mutable std::mutex mutex_;
  SeededMap<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t next_failure_ ABSL_GUARDED_BY(mutex_) = 1;
  std::uint64_t last_round_ ABSL_GUARDED_BY(mutex_) = 0;
  // What did not fit, as one: its failure is the latest, and moving the epoch is its deletion.
  std::optional<Entry> forgotten_ ABSL_GUARDED_BY(mutex_);
  bool is_retrying_ ABSL_GUARDED_BY(mutex_) = false;

  Background background_;  // last: its tasks use all of the above
};

}  // namespace strata::internal
