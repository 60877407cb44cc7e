// Cache: bytes under keys, each with a time to live, plus what fenced fills need.
//
// A cache may lose anything at any time and may be down; whoever uses one must work without it.
// Implementations: LruCache (in process), RedisCache, UpstashCache, NullCache, and in testing/
// FakeCache.
//
// Why there is more here than get and set: a reader that misses, reads the database and then sets
// can overwrite a newer deletion with an older value. So it takes a *lease* first: an atomic "store
// this unique cell unless something is there". Only the holder of that very cell may replace it,
// and a deletion in between takes it away. docs/caching.md tells the whole story.
//
// `compareAndSet` and `remove` are harmless when delayed, repeated or reordered; only the loss of a
// `remove` matters. `getOrLease` is when delayed, but must not be sent twice: the second would give
// back a lease that a deletion has taken. A plain `set` is not when delayed: one that arrives late
// puts an old value back. Use it for what never goes stale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/base/deadline.h"
#include "strata/base/health.h"

namespace strata {

// What a cache can promise; a consistency level that needs more is refused when a store is created.
struct CacheCapabilities {
  // getOrLease and compareAndSet are atomic and go to the one authoritative server.
  bool fenced_reads = false;
  // `incarnation` changes whenever the server may have gone back to an older state.
  bool incarnation = false;
};

// Which life of the server this is: it changes on restart and failover, after which everything
// stored before may have come back from the past. Zero where the cache cannot know.
struct Incarnation {
  std::uint64_t value = 0;
  friend bool operator==(Incarnation, Incarnation) = default;
};

// The longest time to live: ten years, far from where any server's arithmetic overflows.
inline constexpr absl::Duration kMaxTtl = absl::Hours(24 * 3650);

struct LeaseRequest {
  std::string_view key;
  // What to store if nothing is there: a cell with a nonce that no other attempt ever uses.
  std::string_view cell;
};

struct LeaseReply {
  // What was stored already; none when there was nothing.
  std::optional<std::string> found;
  // Whether the cell of the request is stored now. False with nothing found: the cache could look
  // but not store (out of memory), so there is nothing to fill.
  bool leased = false;
  // The life of the server that answered.
  Incarnation incarnation;
};

struct CompareAndSet {
  std::string_view key;
  // Stored only if the present value begins with this; an absent key never matches.
  std::string_view expected_prefix;
  std::string_view value;
  absl::Duration ttl;
  // Refused (false) when the server has another incarnation than this by now.
  Incarnation incarnation;
};

// A part of a listing of keys.
struct KeyPage {
  std::vector<std::string> keys;
  // What to ask for the next page with; empty: that was all. Any text, and of no meaning to others.
  std::string next;
};

// Thread-safe. Every method answers within the implementation's own timeout, or at the deadline if
// that comes first, with these errors:
//   Unavailable, DeadlineExceeded
//                        the command may or may not have been executed
//   InvalidArgument      a time to live that is not positive or not finite
//   PermissionDenied     the server refused the credentials or the command
//   FailedPrecondition   the server is not what was configured: no such database
//   ResourceExhausted    the server cannot store anything now
//   Internal             the key holds something else than bytes, or the reply made no sense
// Methods of many keys answer for each key, in the order asked; what fails for one may hold for
// others. Keys and values are any bytes.
//
// A program's own cache is called without a lock, and may block for its timeout. GuardedCache, which
// stands around every cache that a store uses, turns an exception of it into Internal, with its type;
// a deletion that threw is pending, and made again.
class Cache {
 public:
  virtual ~Cache() = default;

  virtual CacheCapabilities capabilities() const = 0;
  // The life of the server that `key` is on, as far as known without I/O: zero before the first
  // connection. A cache of one server answers the same for every key.
  virtual Incarnation incarnation(std::string_view key) const = 0;

  // The value, or none.
  virtual std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline = {}) = 0;
  absl::StatusOr<std::optional<std::string>> get(const std::string& key, Deadline deadline = {}) {
    return std::move(getMany({&key, 1}, deadline).front());
  }

  // `ttl` must be positive; it is rounded up to a millisecond.
  virtual absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                           Deadline deadline = {}) = 0;

  // Removes the keys that are there. Ok only when every key is known to be gone.
  virtual absl::Status remove(absl::Span<const std::string> keys, Deadline deadline = {}) = 0;
  // For each key: ok when it is known to be gone. For a cache that several servers share, where one
  // that fails does not hold up the keys of the others; by default the answer of `remove` for all.
  virtual std::vector<absl::Status> removeEach(absl::Span<const std::string> keys,
                                               Deadline deadline = {}) {
    return std::vector<absl::Status>(keys.size(), remove(keys, deadline));
  }

  // For each request: what is stored under the key, or else the request's cell, stored now for
  // `ttl`. One round trip for all. Of two requests for one key either may be executed first.
  virtual std::vector<absl::StatusOr<LeaseReply>> getOrLease(
      absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline deadline = {}) = 0;

  // For each request: whether it was stored. One round trip for all.
  virtual std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                          Deadline deadline = {}) = 0;

  // The keys that begin with `prefix`, about a thousand at a time; `cursor` is empty for the first
  // page, and `next` of the page before for any other. A key that is there from the first page to
  // the last one is in one of them at least, and maybe in several; one that comes or goes
  // meanwhile may be in any. A page may be empty and not be the last. It goes through all keys of
  // the cache, whatever the prefix, so it is for operators and not for requests.
  //
  // Aborted: the server is not what it was at the first page, so keys may have been passed over;
  // begin again. InvalidArgument: no page has given this cursor.
  virtual absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                                       Deadline deadline = {}) = 0;

  // A round trip to the server.
  virtual absl::Status ping(Deadline deadline = {}) = 0;
  // `ping` as health: component "cache", kFail when it does not answer. What a dead cache means for
  // those above it is theirs to say.
  virtual Health healthCheck() = 0;
};

}  // namespace strata
