// UpstashCache: a cache kept by Upstash Redis, over its REST API.
//
//   auto cache = UpstashCache::create({.url = "https://eu1-merry-cat-1.upstash.io",
//                                      .token = token});
//
// For where only HTTPS leads to the cache. Where Redis's own protocol does, RedisCache is faster
// and can promise more.
//
// What it cannot keep: it never learns of a failover, after which the service may have gone back to
// an older state. So it has no incarnation, and the highest consistency level over it is kSession.
// Fenced fills do go to the one leader of a key; a plain getMany may be answered by a replica that
// is behind, though not behind what this cache wrote before (the sync token).
//
// What may happen late: a call that timed out may still be executed. getOrLease, compareAndSet and
// remove are harmless then; `set` is not, and may put back what was removed in between.
//
// Not for: sharing cells with a RedisCache on the same database. Each takes the other's for misses;
// both remove the same keys, so it is safe, and slow. docs/upstash.md has the rest.
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
#include "strata/base/clock.h"
#include "strata/base/secret.h"
#include "strata/base/secret_source.h"
#include "strata/cache/cache.h"

namespace strata {

struct UpstashOptions {
  // https://host[:port][/path]; an IPv6 address stands in brackets. http:// only for this very host
  // (localhost, 127.0.0.0/8, ::1), because the token is sent with every request.
  Secret url;
  // The bearer token.
  Secret token;
  // What gives the token instead, if it changes while the program runs. Called by a call that needs
  // it, the first time and when the server refuses the token.
  SecretSource token_source = nullptr;
  TlsOptions tls = {};
  // Open at once, in use and idle together. A call that finds all of them busy waits for one.
  std::size_t max_connections = 32;
  // For resolving the host's name, TCP and the TLS handshake: three round trips and more. Of a name
  // with several addresses the next is tried when one has failed, or has not answered for an equal
  // part of this time, at most 250 ms.
  absl::Duration connect_timeout = absl::Seconds(2);
  // For a call: waiting for a connection, and every request it takes. A call that has to connect
  // takes up to `connect_timeout` more, twice that where the server had closed a kept connection.
  // Generous for a service in the same region, where an answer takes a few milliseconds.
  absl::Duration request_timeout = absl::Seconds(1);
  // A connection that was not used for so long is not used again. Less than the minute after which
  // common load balancers drop one.
  absl::Duration idle_timeout = absl::Seconds(30);
  // Finds the addresses of the host. Null: the system does.
  HostResolver resolver = nullptr;
};

// Thread-safe. A call blocks up to its timeout, and does its own I/O: there is no thread behind it.
// Errors, beyond what cache.h says:
//   Unavailable         no connection, a 5xx, or the server can execute nothing now; retry later
//   DeadlineExceeded    no answer in time; the connection it was made on is closed
//   PermissionDenied    wrong token (401, 403), one that may only read, or a certificate that is
//                       not trusted
//   ResourceExhausted   rate limited (429), a quota is used up, or the request is too large
//   FailedPrecondition  what answers at the URL is not the REST API
//   Internal            any other answer; of one key alone, something else than a text is stored
//                       there
// No message holds a key, a value or the token.
//
// A request is sent a second time only if a kept connection turned out to be closed before a byte
// of the answer came, and never for `set`. A 429 is not waited out.
class UpstashCache final : public Cache {
 public:
  // Connects to nothing, so a service that is down is no error yet; ping() does.
  // InvalidArgument: an option, something in the URL, or a certificate file is wrong; says what.
  // `clock` measures deadlines; it must outlive the cache. Timeouts are real time.
  static absl::StatusOr<std::shared_ptr<UpstashCache>> create(UpstashOptions options,
                                                              const Clock& clock = Clock::system());
  ~UpstashCache() override;

  CacheCapabilities capabilities() const override;
  // Always zero.
  Incarnation incarnation(std::string_view key) const override;

  // A key that holds something else than a text has no value.
  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline = {}) override;
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline = {}) override;
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline = {}) override;
  // Never finds without being able to lease: where nothing can be stored, that is the error. A
  // plain read instead might be answered by a replica.
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline = {}) override;
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline = {}) override;
  // A failover of the service goes unnoticed, and what the new leader has may be missing from the
  // pages after it. Each page is a request, and a listing goes over the keys twice.
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

 private:
  struct Core;
  explicit UpstashCache(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace strata
