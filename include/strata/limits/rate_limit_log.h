// RateLimitLog: which calls were made in the last window, under many keys. What every RateLimiter
// asks (a sliding-window log).
//
// Implementations: InMemoryRateLimitLog, RedisRateLimitLog, UpstashRateLimitLog. One log serves all
// limiters of an application.
//
// Its rules, the same everywhere, with `now` read from the log's own clock:
//   1. what is a window old or older is removed; so is what lies more than a window ahead, after
//      the clock was set back
//   2. where fewer than `limit` calls are left, this one is recorded, at a time later than all
//      others of the key: two calls never share an entry
//   3. a key is forgotten when its last call leaves the window
// All of it happens at once, for one key at a time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/base/deadline.h"
#include "strata/base/health.h"
#include "strata/base/timestamp.h"

namespace strata {

class CircuitBreaker;

// Thread-safe. Every method answers within the implementation's own timeout, or at the deadline if
// that comes first. A log of a program's own is called without a lock; an exception of it is Internal.
class RateLimitLog {
 public:
  struct Call {
    std::string_view key;
    std::int64_t limit;
    absl::Duration window;  // whole microseconds
  };
  // What came of a call.
  struct Entry {
    bool recorded = false;
    // The calls in the window, this one included if it was recorded.
    std::int64_t count = 0;
    // How long until there is room for one more than now: until the oldest call leaves, or the
    // first that is too many.
    absl::Duration until_room;
    // The log's clock at the end of that time.
    Timestamp room_at;
  };

  virtual ~RateLimitLog() = default;

  // Records each call that its limit allows; one round trip for all, answers in the order asked. Of
  // two calls under one key either may be made first.
  //
  // Unavailable, DeadlineExceeded  the call may have been recorded; it is never recorded twice
  // PermissionDenied               the server refused the credentials or the command
  // FailedPrecondition             the server is not what was configured
  // ResourceExhausted              the server cannot store anything now
  // Internal                       something else is stored under the key
  virtual std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> calls,
                                                    Deadline deadline = {}) = 0;

  virtual absl::Status ping(Deadline deadline = {}) = 0;
  // `ping` as health: component "rate-limit-log", kFail when it does not answer.
  virtual Health healthCheck() = 0;
  // The circuit breaker in front of its server, owned by the log. Null: it has none.
  virtual CircuitBreaker* breaker() { return nullptr; }
};

}  // namespace strata
