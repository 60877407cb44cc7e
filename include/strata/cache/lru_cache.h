// LruCache: a cache in this process, bounded in bytes and entries, that forgets what was not used
// for longest.
//
//   auto cache = std::make_shared<LruCache>(LruCache::Options{.max_bytes = 16 << 20});
//
// Every operation is exact and atomic under the lock of one shard, so it is also the model that
// other caches are compared with. Nothing in it fails but a value that is larger than a shard.
//
// Not for: sharing between processes, or decoded objects (it copies bytes out).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/cache/cache.h"

namespace strata {

struct LruCacheOptions {
  // Keys, values and kEntryOverheadBytes for each; divided evenly among the shards.
  std::size_t max_bytes = 64 << 20;
  // How many entries it holds at most, divided evenly too; zero: only bytes count. With one shard
  // so many fit exactly; with several, no more.
  std::size_t max_entries = 0;
  // Each has its own lock and its own order of use. At least 1; use 1 where the order of eviction
  // must be exact.
  std::size_t shards = 16;
};

// Thread-safe. Never blocks on anything but another thread in the same shard.
//
//   ResourceExhausted  key and value are larger than a shard (getOrLease instead looks without
//                      storing, and removes nothing)
class LruCache final : public Cache {
 public:
  using Options = LruCacheOptions;
  // About what an entry costs beyond its key and value.
  static constexpr std::size_t kEntryOverheadBytes = 256;

  // `clock` decides what has expired; it must outlive the cache.
  explicit LruCache(Options options = {}, const Clock& clock = Clock::system());
  ~LruCache() override;

  CacheCapabilities capabilities() const override;
  // Of this object alone: what it holds cannot come back after it was removed.
  Incarnation incarnation(std::string_view /*key*/ = {}) const override { return incarnation_; }

  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline = {}) override;
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline = {}) override;
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline = {}) override;
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline = {}) override;
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline = {}) override;
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

  // Removes everything, leases too.
  void clear();

  struct Stats {
    std::size_t entries = 0;
    std::size_t bytes = 0;
    // Since it was made, of entries that had not expired.
    std::uint64_t evictions = 0;
  };
  // What it holds now; drops what has expired.
  Stats stats();

  // What is under `key` and for how long still, without counting as a use.
  struct Entry {
    std::string value;
    absl::Duration ttl;
  };
  std::optional<Entry> peek(std::string_view key);

 private:
  class Shard;

  Shard& shardOf(std::uint64_t hash) const;
  absl::Status checkDeadline(Deadline deadline) const;

  const Clock& clock_;
  const Incarnation incarnation_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace strata
