// Delays between the steps of the protocol, where its races are: around every call of the cache and
// of the store below it. Without them a history is clean for want of trying: one known-bad variant
// showed no violation in 735 000 operations, and 3 446 in 376 000 once its fills were delayed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/base/clock.h"
#include "strata/cache/cache.h"
#include "strata/store/store.h"

namespace strata::chaos {

// Sleeps from 0.2 to 3 ms, in so many of a hundred calls. Thread-safe.
void perhapsSleep(int percent);
// What the random numbers of this thread come from.
void seedDelays(std::uint64_t seed);

// How long this thread has been in calls of the cache and of the store below, without the delays.
struct TimeSpent {
  std::int64_t in_cache = 0;  // nanoseconds
  std::int64_t below = 0;
};
// Since it was last asked.
TimeSpent takeTimeSpent();

// Adds its own life to one of them.
class Stopwatch {
 public:
  explicit Stopwatch(std::int64_t TimeSpent::*part);
  ~Stopwatch();
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  std::int64_t TimeSpent::*const part_;
  const MonotonicTime begun_;
};

// What `call` answers, timed.
template <typename Call>
auto timed(std::int64_t TimeSpent::*part, Call call) {
  const Stopwatch stopwatch(part);
  return call();
}

class DelayingCache final : public Cache {
 public:
  explicit DelayingCache(std::shared_ptr<Cache> cache) : cache_(std::move(cache)) {}

  CacheCapabilities capabilities() const override { return cache_->capabilities(); }
  Incarnation incarnation(std::string_view key) const override { return cache_->incarnation(key); }

  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline) override {
    return cache_->getMany(keys, deadline);
  }
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline) override {
    return cache_->set(key, value, ttl, deadline);
  }
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline) override {
    perhapsSleep(20);
    auto removed = timed(&TimeSpent::in_cache, [&] { return cache_->remove(keys, deadline); });
    perhapsSleep(5);
    return removed;
  }
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline) override {
    perhapsSleep(5);
    auto replies =
        timed(&TimeSpent::in_cache, [&] { return cache_->getOrLease(requests, ttl, deadline); });
    perhapsSleep(5);
    return replies;
  }
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline) override {
    perhapsSleep(30);
    auto stored =
        timed(&TimeSpent::in_cache, [&] { return cache_->compareAndSet(requests, deadline); });
    perhapsSleep(5);
    return stored;
  }
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline) override {
    return cache_->scan(prefix, cursor, deadline);
  }
  absl::Status ping(Deadline deadline) override { return cache_->ping(deadline); }
  Health healthCheck() override { return cache_->healthCheck(); }

 private:
  const std::shared_ptr<Cache> cache_;
};

template <typename T>
class DelayingStore final : public Store<T> {
 public:
  explicit DelayingStore(std::unique_ptr<Store<T>> inner) : inner_(std::move(inner)) {}

  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options) override {
    perhapsSleep(15);
    auto found = timed(&TimeSpent::below, [&] { return inner_->get(id, options); });
    perhapsSleep(30);
    return found;
  }
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    perhapsSleep(15);
    auto found = timed(&TimeSpent::below, [&] { return inner_->getMany(ids, options); });
    perhapsSleep(30);
    return found;
  }
  absl::StatusOr<Version> put(const T& item, const WriteOptions& options) override {
    auto written = timed(&TimeSpent::below, [&] { return inner_->put(item, options); });
    perhapsSleep(30);
    return written;
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override {
    auto removed = timed(&TimeSpent::below, [&] { return inner_->remove(id, options); });
    perhapsSleep(30);
    return removed;
  }
  Health healthCheck() override { return inner_->healthCheck(); }

 private:
  const std::unique_ptr<Store<T>> inner_;
};

}  // namespace strata::chaos
