#include "strata/cache/lru_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <charconv>
#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "src/cache/cache_ttl.h"
#include "strata/base/hash.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/base/nonce.h"

namespace strata {
namespace {

// Of `scan`, in keys.
constexpr std::size_t kPageSize = 1000;

Incarnation newIncarnation() {
  const Nonce nonce = makeNonce();
  const std::uint64_t hash = stableHash({nonce.data(), nonce.size()});
  return {hash == 0 ? 1 : hash};
}

// Hashed once for the shard and for its map.
struct HashedKey {
  explicit HashedKey(std::string_view text_in)
      : HashedKey(text_in, internal::seededHash(text_in)) {}
  HashedKey(std::string_view text_in, std::uint64_t hash_in) : text(text_in), hash(hash_in) {}

  friend bool operator==(const HashedKey& a, const HashedKey& b) { return a.text == b.text; }

  std::string_view text;
  std::uint64_t hash;
};

struct HashOfKey {
  using is_avalanching = void;  // for Boost's maps
  std::size_t operator()(const HashedKey& key) const { return key.hash; }
};

template <typename T>
std::vector<absl::StatusOr<T>> toAll(std::size_t count, const absl::Status& status) {
  return std::vector<absl::StatusOr<T>>(count, status);
}

}  // namespace

// Thread-safe. A map over a list in order of use, and an index by time of expiry, so that the dead
// leave before the living.
class LruCache::Shard {
 public:
  // `max_entries` zero: any number.
  Shard(std::size_t max_bytes, std::size_t max_entries)
      : max_bytes_(max_bytes),
        max_entries_(max_entries == 0 ? std::numeric_limits<std::size_t>::max() : max_entries) {}

  std::optional<std::string> get(const HashedKey& key, MonotonicTime now) {
    const std::lock_guard lock(mutex_);
    const Node* node = use(key, now);
    return node == nullptr ? std::nullopt : std::optional(node->value);
  }

  absl::Status set(const HashedKey& key, std::string_view value, MonotonicTime now,
                   absl::Duration ttl) {
    const std::lock_guard lock(mutex_);
    return store(key, value, now, ttl);
  }

  void remove(const HashedKey& key) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) erase(found->second);
  }

  LeaseReply getOrLease(const HashedKey& key, std::string_view cell, MonotonicTime now,
                        absl::Duration ttl) {
    const std::lock_guard lock(mutex_);
    LeaseReply reply;
    if (const Node* node = use(key, now)) {
      reply.found = node->value;
    } else {
      reply.leased = store(key, cell, now, ttl).ok();
    }
    return reply;
  }

  absl::StatusOr<bool> compareAndSet(const HashedKey& key, const CompareAndSet& request,
                                     MonotonicTime now, absl::Duration ttl) {
    const std::lock_guard lock(mutex_);
    const Node* node = use(key, now);
    if (node == nullptr || !node->value.starts_with(request.expected_prefix)) return false;
    if (absl::Status stored = store(key, request.value, now, ttl); !stored.ok()) {
      return stored;
    }
    return true;
  }

  // The first of the keys with `prefix` that come after `after` in their order; all, if there is
  // none to come after. Looks at every key: listing is for operators.
  std::vector<std::string> keysAfter(std::optional<std::string_view> after, std::string_view prefix,
                                     MonotonicTime now) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string_view> found;
    for (const Node& node : nodes_) {
      const bool comes_after = !after || node.key > *after;
      if (comes_after && node.key.starts_with(prefix) && node.expiry->first > now) {
        found.push_back(node.key);
      }
    }
    const std::size_t count = std::min(found.size(), kPageSize);
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count),
                      found.end());
    found.resize(count);
    return {found.begin(), found.end()};
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    while (!nodes_.empty()) erase(nodes_.begin());
  }

  std::optional<Entry> peek(const HashedKey& key, MonotonicTime now) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end() || found->second->expiry->first <= now) return std::nullopt;
    return Entry{found->second->value, found->second->expiry->first - now};
  }

  void addTo(Stats& stats, MonotonicTime now) {
    const std::lock_guard lock(mutex_);
    dropExpired(now, by_key_.size());
    stats.entries += by_key_.size();
    stats.bytes += bytes_;
    stats.evictions += evictions_;
  }

 private:
  struct Node;
  using Nodes = std::list<Node>;
  using ByExpiry = std::multimap<MonotonicTime, Nodes::iterator>;
  struct Node {
    std::string key;
    std::uint64_t hash;
    std::string value;
    ByExpiry::iterator expiry;

    HashedKey hashedKey() const { return {key, hash}; }
    std::size_t bytes() const { return key.size() + value.size() + kEntryOverheadBytes; }
  };

  // The live entry under `key`, from now on the one used last; null when there is none.
  const Node* use(const HashedKey& key, MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    const Nodes::iterator node = found->second;
    if (node->expiry->first <= now) {
      erase(node);
      return nullptr;
    }
    nodes_.splice(nodes_.begin(), nodes_, node);
    return &*node;
  }

  // `key` and `value` must not point into this shard.
  absl::Status store(const HashedKey& key, std::string_view value, MonotonicTime now,
                     absl::Duration ttl) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::size_t bytes = key.text.size() + value.size() + kEntryOverheadBytes;
    if (bytes > max_bytes_) {
      return absl::ResourceExhaustedError(fmt::format(
          "in-memory cache: an entry of {} bytes, a shard holds {}", bytes, max_bytes_));
    }
    if (const auto found = by_key_.find(key); found != by_key_.end()) erase(found->second);
    makeRoom(bytes, now);
    nodes_.push_front({std::string(key.text), key.hash, std::string(value), {}});
    const Nodes::iterator node = nodes_.begin();
    node->expiry = by_expiry_.emplace(now + ttl, node);
    by_key_.emplace(node->hashedKey(), node);
    bytes_ += bytes;
    return absl::OkStatus();
  }

  void makeRoom(std::size_t bytes, MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    // Bounded, so that no caller pays for thousands that expired together.
    constexpr std::size_t kExpiredPerStore = 16;
    dropExpired(now, kExpiredPerStore);
    while (bytes_ + bytes > max_bytes_ || by_key_.size() >= max_entries_) {
      if (dropExpired(now, 1) > 0) continue;
      erase(std::prev(nodes_.end()));
      ++evictions_;
    }
  }

  std::size_t dropExpired(MonotonicTime now, std::size_t limit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::size_t dropped = 0;
    for (; dropped < limit && !by_expiry_.empty(); ++dropped) {
      if (by_expiry_.begin()->first > now) break;
      erase(by_expiry_.begin()->second);
    }
    return dropped;
  }

  void erase(Nodes::iterator node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    bytes_ -= node->bytes();
    by_key_.erase(node->hashedKey());
    by_expiry_.erase(node->expiry);
    nodes_.erase(node);
  }

  const std::size_t max_bytes_;
  const std::size_t max_entries_;
  std::mutex mutex_;
  // Last used first.
  Nodes nodes_ ABSL_GUARDED_BY(mutex_);
  // Its keys are those of the nodes, which do not move.
  boost::unordered_flat_map<HashedKey, Nodes::iterator, HashOfKey> by_key_ ABSL_GUARDED_BY(mutex_);
  ByExpiry by_expiry_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t evictions_ ABSL_GUARDED_BY(mutex_) = 0;
};

LruCache::LruCache(Options options, const Clock& clock)
    : clock_(clock), incarnation_(newIncarnation()) {
  std::size_t count = std::max<std::size_t>(options.shards, 1);
  if (options.max_entries != 0) count = std::min(count, options.max_entries);
  for (std::size_t i = 0; i < count; ++i) {
    shards_.push_back(
        std::make_unique<Shard>(options.max_bytes / count, options.max_entries / count));
  }
}
LruCache::~LruCache() = default;

CacheCapabilities LruCache::capabilities() const {
  return {.fenced_reads = true, .incarnation = true};
}

LruCache::Shard& LruCache::shardOf(std::uint64_t hash) const {
  return *shards_[internal::shardOfHash(hash, shards_.size())];
}

absl::Status LruCache::checkDeadline(Deadline deadline) const {
  if (!deadline.hasPassed(clock_)) return absl::OkStatus();
  return absl::DeadlineExceededError("in-memory cache: the deadline had passed before the call");
}

std::vector<absl::StatusOr<std::optional<std::string>>> LruCache::getMany(
    absl::Span<const std::string> keys, Deadline deadline) {
  if (const absl::Status late = checkDeadline(deadline); !late.ok()) {
    return toAll<std::optional<std::string>>(keys.size(), late);
  }
  const MonotonicTime now = clock_.now();
  std::vector<absl::StatusOr<std::optional<std::string>>> values;
  values.reserve(keys.size());
  for (const std::string& key : keys) {
    const HashedKey hashed(key);
    values.emplace_back(shardOf(hashed.hash).get(hashed, now));
  }
  return values;
}

absl::Status LruCache::set(const std::string& key, std::string_view value, absl::Duration ttl,
                           Deadline deadline) {
  const absl::StatusOr<absl::Duration> millis = internal::checkedTtl(ttl);
  if (!millis.ok()) return millis.status();
  if (absl::Status late = checkDeadline(deadline); !late.ok()) return late;
  const HashedKey hashed(key);
  return shardOf(hashed.hash).set(hashed, value, clock_.now(), *millis);
}

absl::Status LruCache::remove(absl::Span<const std::string> keys, Deadline deadline) {
  if (absl::Status late = checkDeadline(deadline); !late.ok()) return late;
  for (const std::string& key : keys) {
    const HashedKey hashed(key);
    shardOf(hashed.hash).remove(hashed);
  }
  return absl::OkStatus();
}

std::vector<absl::StatusOr<LeaseReply>> LruCache::getOrLease(
    absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline deadline) {
  const absl::StatusOr<absl::Duration> millis = internal::checkedTtl(ttl);
  const absl::Status refused = millis.ok() ? checkDeadline(deadline) : millis.status();
  if (!refused.ok()) return toAll<LeaseReply>(requests.size(), refused);
  const MonotonicTime now = clock_.now();
  std::vector<absl::StatusOr<LeaseReply>> replies;
  replies.reserve(requests.size());
  for (const LeaseRequest& request : requests) {
    const HashedKey key(request.key);
    LeaseReply reply = shardOf(key.hash).getOrLease(key, request.cell, now, *millis);
    reply.incarnation = incarnation_;
    replies.emplace_back(std::move(reply));
  }
  return replies;
}

std::vector<absl::StatusOr<bool>> LruCache::compareAndSet(absl::Span<const CompareAndSet> requests,
                                                          Deadline deadline) {
  if (const absl::Status late = checkDeadline(deadline); !late.ok()) {
    return toAll<bool>(requests.size(), late);
  }
  const MonotonicTime now = clock_.now();
  std::vector<absl::StatusOr<bool>> stored;
  stored.reserve(requests.size());
  for (const CompareAndSet& request : requests) {
    const bool same_life =
        request.incarnation == Incarnation{} || request.incarnation == incarnation_;
    const absl::StatusOr<absl::Duration> millis = internal::checkedTtl(request.ttl);
    if (!millis.ok()) {
      stored.emplace_back(millis.status());
    } else if (!same_life) {
      stored.emplace_back(false);
    } else {
      const HashedKey key(request.key);
      stored.push_back(shardOf(key.hash).compareAndSet(key, request, now, *millis));
    }
  }
  return stored;
}

// The cursor is the shard's number and, after '>', the last key of the page before; a '.' begins
// the shard.
absl::StatusOr<KeyPage> LruCache::scan(std::string_view prefix, const std::string& cursor,
                                       Deadline deadline) {
  if (absl::Status late = checkDeadline(deadline); !late.ok()) return late;
  std::size_t shard = 0;
  std::optional<std::string_view> after;
  if (!cursor.empty()) {
    const auto [end, error] =
        std::from_chars(cursor.data(), cursor.data() + cursor.size(), shard, 10);
    const std::size_t digits = static_cast<std::size_t>(end - cursor.data());
    if (error != std::errc() || shard >= shards_.size() || digits >= cursor.size()) {
      return absl::InvalidArgumentError("in-memory cache: a cursor that no listing has given");
    }
    if (cursor[digits] == '>') after = std::string_view(cursor).substr(digits + 1);
  }
  KeyPage page{.keys = shards_[shard]->keysAfter(after, prefix, clock_.now()), .next = {}};
  if (page.keys.size() == kPageSize) {
    page.next = fmt::format("{}>{}", shard, page.keys.back());
  } else if (shard + 1 < shards_.size()) {
    page.next = fmt::format("{}.", shard + 1);
  }
  return page;
}

absl::Status LruCache::ping(Deadline deadline) { return checkDeadline(deadline); }

Health LruCache::healthCheck() { return {.component = "cache", .backend = "in-memory"}; }

void LruCache::clear() {
  for (const auto& shard : shards_) shard->clear();
}

LruCache::Stats LruCache::stats() {
  Stats stats;
  const MonotonicTime now = clock_.now();
  for (const auto& shard : shards_) shard->addTo(stats, now);
  return stats;
}

std::optional<LruCache::Entry> LruCache::peek(std::string_view key) {
  const HashedKey hashed(key);
  return shardOf(hashed.hash).peek(hashed, clock_.now());
}

}  // namespace strata
