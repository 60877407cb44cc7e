#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/core/cache.h"
#include "strata/core/clock.h"

namespace strata::internal {

// The keys whose deletion failed, or whose outcome is unknown: the cache may still hold an old
// value under them, so this process reads past the cache until a retry in the background has
// deleted them.
//
// Bounded: past `kMaxKeys` it stops remembering single keys and covers every key for as long as
// anything that is cached now can live.
//
// Thread-safe. The thread starts with the first failure; a store whose cache never failed has none.
class PendingDeletes {
 public:
  static constexpr std::size_t kMaxKeys = 100'000;

  // Nothing in the cache lives longer than `longest_life`.
  PendingDeletes(std::shared_ptr<Cache> cache, absl::Duration longest_life, const Clock& clock);
  // Tries once more to delete what is left.
  ~PendingDeletes();

  void add(absl::Span<const std::string> keys);
  // Whether the cache must not be believed about `key`. Costs two loads when nothing is pending.
  bool covers(std::string_view key) const;
  std::size_t size() const { return count_.load(std::memory_order_acquire); }

 private:
  // A key, and which failure put it there: a retry clears a key only if no later write's deletion
  // failed meanwhile.
  struct Attempt {
    std::vector<std::string> keys;
    std::vector<std::uint64_t> failures;
  };

  void retryUntilStopped();
  bool retryOnce();
  Attempt nextAttempt() const;
  void clear(const Attempt& attempt);

  const std::shared_ptr<Cache> cache_;
  const absl::Duration longest_life_;
  const Clock& clock_;

  std::atomic<std::size_t> count_{0};
  std::atomic<std::int64_t> covers_all_until_{0};  // nanoseconds of the clock

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  absl::flat_hash_map<std::string, std::uint64_t> failures_;  // guarded by mutex_
  std::uint64_t next_failure_ = 0;                            // guarded by mutex_
  bool stopping_ = false;                                     // guarded by mutex_
  std::thread thread_;                                        // started under mutex_
};

}  // namespace strata::internal
