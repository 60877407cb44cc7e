// RedisCache: a cache kept by Redis: one server, a master that sentinels watch over, or a cluster.
//
//   auto cache = RedisCache::create({.url = "rediss://user:password@cache.internal:6380/2"});
//
// Callers share a few connections: whoever comes first does the work of all that come meanwhile, so
// there is no thread of its own and no connection per thread (docs/redis.md tells how).
//
// It needs Redis 5 or newer; from 7.0 on, getOrLease is one native command. Every server it uses
// must be a master: a replica is refused, and so is one that becomes a replica later.
//
// What may happen late: a command that timed out may already have reached the server, which
// executes it whenever it comes to. The commands of fenced fills (getOrLease, compareAndSet,
// remove) are harmless then; `set` is not fenced, and may put back what was removed in between.
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
#include "strata/adapters/net/host_resolver.h"
#include "strata/adapters/net/tls_options.h"
#include "strata/base/circuit_breaker.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"
#include "strata/base/secret.h"
#include "strata/base/secret_source.h"
#include "strata/cache/cache.h"

namespace strata {

struct RedisOptions {
  //   redis://[[user][:password]@]host[:port][,host[:port]…][/database]
  //   unix://[[user][:password]@]/path[?db=n]
  //   redis+sentinel://[[user][:password]@]host[:port][,…]/name-of-the-master[/database]
  //   redis+cluster://[[user][:password]@]host[:port][,…]
  // With rediss instead of redis, TLS; then ?ca_file=, certificate_file= and private_key_file= may
  // stand for what `tls` says; always ?connect_timeout= and command_timeout=, as in 50ms or 1.5s,
  // for what is said of them below. Of several hosts the first that is a master is used; sentinels
  // and nodes of a cluster are only asked for the others. User, password, name and paths are
  // percent-decoded, an IPv6 address stands in brackets; the port is 6379 (of a sentinel 26379) and
  // the database 0 where the URL has none.
  Secret url;
  // The password where the URL has none. Empty: none is sent.
  Secret password;
  // What gives the password instead of both, for each new connection, if it changes while the
  // program runs. Called by whoever makes the connection, so within connect_timeout; and once more
  // when the server refuses what it returned.
  SecretSource password_source = nullptr;
  // Open at once to each server, shared by all callers.
  std::size_t max_connections = 2;
  // For resolving the host's name, connecting, TLS and introducing itself, or asking sentinels, too.
  // Of a name with several addresses the next is tried when one has failed, or has not answered for
  // an equal part of this time. Good within one data centre; across zones or regions several times
  // the round trip is right, as in 500 ms.
  absl::Duration connect_timeout = absl::Milliseconds(100);
  // For a call. One that finds no connection takes up to `connect_timeout` more; one whose process
  // got no processor meanwhile, about as long once more (docs/redis.md). Good within one data
  // centre, and tight across zones.
  absl::Duration command_timeout = absl::Milliseconds(50);
  // A connection that was not used for longer is replaced before its next use.
  absl::Duration idle_timeout = absl::Minutes(5);
  // Whom to trust, and who we are, where the URL says rediss.
  TlsOptions tls = {};
  // Finds the addresses of host names. Null: the system does.
  HostResolver resolver = nullptr;
  // Under this key, and on the channel of this name, a health check tries what its component has to
  // do: the user must be allowed both. In a cluster several keys begin with it. Empty: it tries
  // under "strata:health", where being refused the key, and not the command, is no failure.
  std::string check_key = {};
  // Of a cluster: when a node counts as down, and when it is asked again. Each node has a breaker of
  // its own, whose name in logs and metrics is this one with "@host:port". What is called meanwhile
  // for its keys is answered Unavailable at once; those of other nodes are not touched. Other
  // deployments have one server, and its breaker is that of whatever stands around the client.
  CircuitBreakerOptions node_breaker = {.name = "redis"};
  // Who we are to sentinels, which have users of their own. Empty: nobody.
  std::string sentinel_user = {};
  Secret sentinel_password = {};
};

// Thread-safe. A call blocks up to its timeout. Errors, beyond what cache.h says:
//   Unavailable         no connection; the server is a replica, loading, or cut off from its
//                       replicas; or the connection broke, and the command may have been executed
//   DeadlineExceeded    no answer in time: by the caller's deadline, or by the command's timeout,
//                       after which the connection is closed
//   PermissionDenied    wrong user or password, or an ACL forbids the command
//   FailedPrecondition  the server has no database of this number, does not know the command, or is
//                       a node of a cluster and the URL does not say so
//   ResourceExhausted   the server is out of memory, or cannot save and therefore does not write
//   Internal            any other answer; of one key alone: what is stored there is not a string
// No message holds a key, a value or a secret.
class RedisCache final : public Cache {
 public:
  // Connects to nothing, so a server that is down is no error yet; ping() does. Sentinels alone are
  // listened to from now on, on a thread.
  // InvalidArgument: an option, or something in the URL, is wrong; says what.
  // `clock` measures deadlines and the breakers of a cluster's nodes, whose probes run on `executor`;
  // it must outlive the cache. Timeouts are real time.
  static absl::StatusOr<std::shared_ptr<RedisCache>> create(
      RedisOptions options, const Clock& clock = Clock::system(),
      std::shared_ptr<Metrics> metrics = Metrics::none(),
      std::shared_ptr<Executor> executor = Executor::shared());
  ~RedisCache() override;

  // Without incarnation once a server has refused INFO: then `incarnation()` is zero, and what a
  // restart brought back cannot be told from what is new. Logged once, as strata.redis.info_refused.
  CacheCapabilities capabilities() const override;
  Incarnation incarnation(std::string_view key = {}) const override;

  // A key that holds something else than a text has no value.
  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline = {}) override;
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline = {}) override;
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline = {}) override;
  std::vector<absl::Status> removeEach(absl::Span<const std::string> keys,
                                       Deadline deadline = {}) override;
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline = {}) override;
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline = {}) override;
  // Aborted: the server was replaced meanwhile, or slots of a cluster were moved; begin again.
  // FailedPrecondition: the server refuses INFO, without which neither can be seen.
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline = {}) override;
  // Also notices that the server became a replica, or has another incarnation, and tries what a fill and
  // a deletion need: an ACL that forbids any of it is PermissionDenied.
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

 private:
  struct Core;
  explicit RedisCache(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace strata
