// RedisCache: a cache kept by one Redis server, over TCP or a Unix socket.
//
//   auto cache = RedisCache::create({.url = "redis://user:password@cache.internal:6379/2"});
//
// It needs Redis 5 or newer; from 7.0 on, getOrLease is one native command. The server must be the
// master: a replica is refused, and so is one that becomes a replica later.
//
// What may happen late: a command that timed out may already have reached the server, which
// executes it whenever it comes to. The commands of fenced fills (getOrLease, compareAndSet,
// remove) are harmless then; `set` is not fenced, and may put back what was removed in between.
//
// Not for: TLS (rediss://), Sentinel, Cluster.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/core/cache.h"
#include "strata/core/clock.h"
#include "strata/core/secret.h"

namespace strata {

struct RedisOptions {
  // redis://[[user][:password]@]host[:port][/db], or unix://[[user][:password]@]/path[?db=n]. User,
  // password and path are percent-decoded, an IPv6 address stands in brackets; the port is 6379 and
  // the database 0 where the URL has none.
  Secret url;
  // The password where the URL has none. Empty: none is sent.
  Secret password;
  // Open at once, in use and idle together. A call that finds all of them busy waits for one.
  std::size_t max_connections = 32;
  // For connecting and introducing itself. Resolving a host name is left to the system and its own
  // timeout; an address needs none.
  absl::Duration connect_timeout = absl::Milliseconds(100);
  // For a call: waiting for a connection, and the command. A call that has to connect takes up to
  // `connect_timeout` more.
  absl::Duration command_timeout = absl::Milliseconds(50);
};

// Thread-safe. A call blocks up to its timeout. Errors, beyond what cache.h says:
//   Unavailable         no connection; or the server is a replica, loading, or cut off from its
//                       replicas; retry later
//   DeadlineExceeded    no answer in time; the connection it was made on is closed
//   PermissionDenied    wrong user or password, or an ACL forbids the command
//   FailedPrecondition  the server has no database of this number
//   ResourceExhausted   the server is out of memory, or cannot save and therefore does not write
//   Internal            any other answer; of one key alone, something else than a text is stored
//   there
// No message holds a key, a value or a secret.
class RedisCache final : public Cache {
 public:
  // Connects to nothing, so a server that is down is no error yet; ping() does.
  // InvalidArgument: an option, or something in the URL, is wrong; says what.
  // Unimplemented: a kind of URL that this version does not support.
  // `clock` measures deadlines; it must outlive the cache. Timeouts are real time.
  static absl::StatusOr<std::shared_ptr<RedisCache>> create(RedisOptions options,
                                                            const Clock& clock = Clock::system());
  ~RedisCache() override;

  // Without incarnation once a connection was not allowed to use INFO: then `incarnation()` is
  // zero, and what a restart brought back cannot be told from what is new.
  CacheCapabilities capabilities() const override;
  Incarnation incarnation() const override;

  // A key that holds something else than a text has no value.
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
  // Also notices that the server became a replica, or lives another life.
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

 private:
  struct Core;
  explicit RedisCache(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace strata
