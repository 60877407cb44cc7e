#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/container/node_hash_map.h"
#include "src/cache/cell.h"
#include "strata/base/clock.h"
#include "strata/base/hash.h"
#include "strata/base/nonce.h"

namespace strata::internal {

// The leases that this process holds. Other readers of the same key in this process wait here for
// the fill instead of guessing how long it may take, so that a crowd makes one query.
//
// They do not take what was loaded, which may be older than a write that was acknowledged before
// they came: they look into the cache once more. Thread-safe.
class LoadsUnderWay {
 public:
  explicit LoadsUnderWay(const Clock& clock) : clock_(clock) {}

  void begin(const Nonce& lease);
  // `worth_a_look`: whether the cache may answer those who wait. Does nothing where it has ended
  // already.
  void end(const Nonce& lease, bool worth_a_look);

  // The fill of the load waits for a thread to send it. One of those who wait for the load, or of
  // those who come, is to send it: the threads that could may all be waiting for this fill.
  void queued(const Nonce& lease);

  // For a lease of this process whose holder has not begun yet: waits until it has, at the latest
  // until `until`, and perhaps for no reason. Whether it has.
  bool awaitBegin(const Nonce& lease, MonotonicTime until);

  enum class Outcome {
    kUnknown,     // not ours, or not begun yet, or filled
    kFillQueued,  // the caller is to send the fill, and to wait again
    kLookAgain,
    kNothingThere,
    kStillLoading,  // `until` was reached
  };
  Outcome wait(const Nonce& lease, MonotonicTime until);

 private:
  struct Load {
    std::condition_variable over;
    bool has_begun = false;
    bool fill_is_queued = false;  // and no sender has taken it
    int waiting = 0;
    Outcome outcome = Outcome::kStillLoading;
  };
  // The last that ended with nothing there: their leases may outlive them.
  struct Unfilled {
    std::array<Nonce, 64> leases{};
    std::size_t next = 0;
  };
  struct Shard {
    std::mutex mutex;
    Unfilled unfilled ABSL_GUARDED_BY(mutex);
    // The last to leave erases it: the holder of the lease, or one that waits.
    absl::node_hash_map<Nonce, Load> loads ABSL_GUARDED_BY(mutex);
  };

  Shard& shardOf(const Nonce& lease) {
    return shards_[stableHash({lease.data(), lease.size()}) % shards_.size()];
  }

  const Clock& clock_;
  std::array<Shard, 16> shards_;
};

}  // namespace strata::internal
