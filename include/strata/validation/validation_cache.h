// ValidationCache: whether a user's credentials are good, remembered for a few minutes, so that not
// every request asks the one who knows.
//
//   auto cache = createValidationCache(*backends);
//   auto verdict = (*cache)->validate(user_id, [&] { return identity.ask(user_id); });
//   if (verdict.ok() && verdict->is_valid) ...
//
// Negative verdicts are remembered too. Whoever changes what a verdict is about (a user is blocked,
// a token revoked) calls `invalidate` afterwards.
//
// Not for: what a user may do (an authorization), or secrets: nothing of a credential belongs here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/deadline.h"
#include "strata/base/health.h"
#include "strata/base/timestamp.h"

namespace strata {

class CircuitBreaker;

struct Validation {
  bool is_valid = false;
  // When the one who knows was asked, by the wall clock.
  Timestamp checked_at;
  std::optional<std::string> tenant_id;

  friend bool operator==(const Validation&, const Validation&) = default;
};

struct ValidationCacheStats {
  // Verdicts that this process holds, and how many it may; none where a server holds them.
  std::optional<std::size_t> size;
  std::optional<std::size_t> max_size;
  // How long a verdict lives, less or more by a tenth.
  absl::Duration ttl;
  // Where verdicts are now: "redis", "upstash", "in-memory"; "none" when nothing is cached.
  std::string backend;
};

// Thread-safe.
//
// A cache that is down is no error, except in FailureTier::kCritical. The errors there are:
//   InvalidArgument   the user id is empty, holds a NUL byte or is not UTF-8
//   DeadlineExceeded  the deadline had passed before the call, or passed while another's answer was
//                     awaited
//   Internal          `ask` threw
//   Unavailable and other errors of the server
//                     it did not answer, and the failure tier is kCritical; safe to retry
class ValidationCache {
 public:
  // Called without a lock, by the thread that called `validate`: it may block, and call the cache for
  // another user. For the same user it must not: it would wait for itself. An exception of it is its
  // answer, Internal with the exception's type.
  using Ask = absl::FunctionRef<absl::StatusOr<Validation>()>;

  virtual ~ValidationCache() = default;

  // The verdict, or none when there is none or nobody can tell.
  virtual absl::StatusOr<std::optional<Validation>> get(std::string_view user_id,
                                                        Deadline deadline = {}) = 0;

  // The verdict; where there is none, what `ask` answers, which is remembered. Of a crowd in this
  // process one asks and the others wait. An answer is not remembered when `invalidate` was called
  // after the asking began. An error of `ask` is the answer, and nothing is remembered.
  virtual absl::StatusOr<Validation> validate(std::string_view user_id, Ask ask,
                                              Deadline deadline = {}) = 0;

  // Remembers a verdict, whatever was there, and whatever is being asked. Unlike with `validate`
  // nobody knows how old it is: an invalidation that came before this call does not hinder it. One
  // that comes later, or meanwhile, wins.
  virtual absl::Status set(std::string_view user_id, const Validation& verdict,
                           Deadline deadline = {}) = 0;

  // Forgets the verdict. While the server is down this process forgets at once, and deletes the
  // verdict on the server once that is back, also where the failure tier makes this call answer the
  // server's error.
  virtual absl::Status invalidate(std::string_view user_id, Deadline deadline = {}) = 0;

  // Forgets all verdicts. Not ok: the server could not be asked (as InvalidationReport::status has
  // it), so its verdicts may still be there; this process has forgotten its own.
  virtual absl::Status clear(Deadline deadline = {}) = 0;

  // Without I/O.
  virtual ValidationCacheStats stats() = 0;

  // Component "validation-cache". kWarn while it does without its server.
  virtual Health healthCheck() = 0;

  // The circuit breaker in front of its server, for operators; owned by the cache. Null: it has none.
  virtual CircuitBreaker* breaker() { return nullptr; }
};

}  // namespace strata
