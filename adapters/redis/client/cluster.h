#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "adapters/redis/client/router.h"
#include "adapters/redis/client/slots.h"

namespace strata::internal {

// A mutex that can be waited for, as std::timed_mutex, whose try_lock_until the ThreadSanitizer of
// GCC 12 does not see.
class ABSL_LOCKABLE PatientMutex {
 public:
  // NOLINTBEGIN(readability-identifier-naming): as std::unique_lock calls them
  bool try_lock() { return try_lock_until({}); }
  bool try_lock_until(IoTime until) {
    std::unique_lock lock(mutex_);
    if (!unlocked_.wait_until(lock, until, [this] { return !is_locked_; })) return false;
    is_locked_ = true;
    return true;
  }
  // NOLINTEND(readability-identifier-naming)
  void unlock() {
    const std::lock_guard lock(mutex_);
    is_locked_ = false;
    unlocked_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable unlocked_;
  bool is_locked_ = false;
};

// The masters of a cluster. Thread-safe.
//
// Each has a circuit breaker of its own, if any. Redis itself stops serving where more than half of
// the masters are gone; while fewer fail, what fails is theirs alone (mostServe).
//
// Its map of slots is asked for at the first use, and again after a server pointed to another one
// (MOVED) or could not be reached; not more often than every 100 ms, by one caller, while the
// others go on with the old one, for a server corrects who comes to the wrong one.
class RedisCluster final : public RedisRouter {
 public:
  // `seeds`: some of its nodes, which are asked for the others.
  RedisCluster(std::vector<RedisAddress> seeds, RedisNodeOptions options);

  absl::StatusOr<std::shared_ptr<RedisNode>> route(std::string_view key,
                                                   const RedisTimes& times) override;
  std::shared_ptr<RedisNode> only() const override { return nullptr; }
  absl::StatusOr<std::vector<std::shared_ptr<RedisNode>>> all(const RedisTimes& times) override;
  std::optional<RedisRedirect> redirect(const RedisNode& from, std::string_view error) override;
  void noteUnreachable() override { is_stale_.store(true, std::memory_order_relaxed); }
  bool mostServe() const override;
  const RedisNodeOptions& nodeOptions() const override { return options_; }
  Incarnation incarnation(std::string_view key) const override;
  bool isBlind() const override;

 private:
  struct Map {
    RedisSlotMap slots;
    std::vector<std::shared_ptr<RedisNode>> masters;  // as in `slots`

    std::shared_ptr<RedisNode> nodeOf(std::string_view key) const;
  };

  absl::StatusOr<std::shared_ptr<const Map>> currentMap(const RedisTimes& times);
  std::shared_ptr<const Map> map() const;
  absl::Status refresh(const RedisTimes& times) ABSL_EXCLUSIVE_LOCKS_REQUIRED(refreshing_);
  absl::StatusOr<RedisSlotMap> askForMap(const RedisTimes& times)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refreshing_);
  std::vector<RedisAddress> whomToAsk() const;
  std::shared_ptr<RedisNode> nodeAt(const RedisAddress& address);

  const std::vector<RedisAddress> seeds_;
  const RedisNodeOptions options_;
  std::atomic<bool> is_stale_{true};

  // Held by whoever asks for the map.
  PatientMutex refreshing_;
  IoTime refreshed_at_ ABSL_GUARDED_BY(refreshing_){};

  mutable std::mutex mutex_;
  std::shared_ptr<const Map> map_ ABSL_GUARDED_BY(mutex_);
  // By address; also those that only a redirection has told of.
  std::map<std::string, std::shared_ptr<RedisNode>> nodes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::internal
