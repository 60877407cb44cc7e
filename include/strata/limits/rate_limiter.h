// RateLimiter: how many calls of one kind somebody may make in a window of time.
//
//   auto limiter = createRateLimiter(*backends, {.limit = {.name = "search", .limit = 10}});
//   auto decision = (*limiter)->check(user_id);
//   if (decision.ok() && !decision->allowed) return tooManyRequests(*decision);
//
// It counts exactly, over all processes that share a server: a log of the calls of the last window
// (rate_limit_log.h), not an estimate from counters. Whose clock is wrong does not matter either:
// the log has the only clock.
//
// Not for: limiting how many calls go on at once (decorators/bulkhead.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/base/deadline.h"
#include "strata/base/health.h"
#include "strata/base/timestamp.h"
#include "strata/limits/rate_limit_log.h"
#include "strata/records/key_space.h"

namespace strata {

class CircuitBreaker;

// Every allowed call of a window is remembered, so a limit costs memory.
inline constexpr std::int64_t kMaxRateLimit = 1'000'000;
inline constexpr absl::Duration kMinRateLimitWindow = absl::Milliseconds(1);
inline constexpr absl::Duration kMaxRateLimitWindow = absl::Hours(24);

struct RateLimit {
  // Part of the key and of metrics: 1 to 64 lower-case letters, digits, '-' and '_'. Limits of one
  // name count together.
  std::string name;
  // 1 to kMaxRateLimit calls.
  std::int64_t limit = 100;
  // Of any length between the two bounds, in whole microseconds.
  absl::Duration window = absl::Seconds(60);
};

// Ok, or InvalidArgument that says what is out of its range.
absl::Status validate(const RateLimit& limit);

// The limit with `share` of its calls, at least one. `share` is above 0 and at most 1.
RateLimit shareOf(const RateLimit& limit, double share);

struct RateLimitDecision {
  bool allowed = true;
  std::int64_t limit = 0;
  // How many more calls would be allowed right now.
  std::int64_t remaining = 0;
  // When the oldest call leaves the window and makes room for another, by the log's clock.
  Timestamp reset_at;
  // How long until then, as the log measured it, so that a wrong clock here does not matter. Zero
  // when allowed.
  absl::Duration retry_after;
  // The log could not be asked: this is what the failure policy says.
  bool degraded = false;
};

// Thread-safe.
class RateLimiter {
 public:
  virtual ~RateLimiter() = default;

  virtual const RateLimit& limit() const = 0;

  // Whether whoever `id` names may make a call now, which is recorded if so. A call that is denied
  // is not recorded, so trying again and again does not prolong it.
  //
  // InvalidArgument: the id is empty, holds a NUL byte or is not UTF-8. DeadlineExceeded: the
  // deadline had passed before. Any other error, or one of a deadline that passed meanwhile, where
  // no failure policy hides it: the log could not be asked, and the call may have been recorded; it
  // is never recorded twice.
  virtual absl::StatusOr<RateLimitDecision> check(std::string_view id, Deadline deadline = {}) = 0;

  // Component "rate-limiter".
  virtual Health healthCheck() = 0;

  // The circuit breaker in front of its server, for operators; owned by the limiter. Null: it has none.
  virtual CircuitBreaker* breaker() { return nullptr; }

  // ---- For checkAll: the two halves of `check`, between which many logs' calls go together ----

  struct Question {
    RateLimitLog* log;  // null: none that others could share; use `check`
    std::string key;
  };
  virtual absl::StatusOr<Question> question(std::string_view /*id*/, Deadline /*deadline*/) {
    return Question{};
  }
  // What is made of the log's answer to the question.
  virtual absl::StatusOr<RateLimitDecision> decide(
      std::string_view id, const absl::StatusOr<RateLimitLog::Entry>& entry);
};

struct RateLimitCheck {
  RateLimiter* limiter;
  std::string_view id;
};

// A decision for each check, in order; one round trip for all whose limiters share a log (those of
// one createRateLimiters do).
//
// The checks do not know of each other: a call that one of them denies is recorded by those that
// allow it. Where that is too strict, check one after the other and stop at the first that denies.
std::vector<absl::StatusOr<RateLimitDecision>> checkAll(absl::Span<const RateLimitCheck> checks,
                                                        Deadline deadline = {});

// The strictest of several decisions: of those that deny the one with the longest wait, otherwise
// the one with the least left; degraded if any is. An error among them is the answer; without any,
// the call is allowed.
absl::StatusOr<RateLimitDecision> combine(
    absl::Span<const absl::StatusOr<RateLimitDecision>> decisions);

// What an HTTP answer says of a decision, as names and values: X-RateLimit-Limit, -Remaining and
// -Reset (Unix seconds, rounded up), and Retry-After (seconds, rounded up, at least 1) when denied.
std::vector<std::pair<std::string, std::string>> renderRateLimitHeaders(
    const RateLimitDecision& decision);

// A limiter over a log, whose errors are its own. Keys are `{app}:ratelimit:{name}:{id}`.
// InvalidArgument: as from `validate` and checkApp.
absl::StatusOr<std::unique_ptr<RateLimiter>> makeRateLimiter(std::shared_ptr<RateLimitLog> log,
                                                             RateLimit limit, std::string_view app);

}  // namespace strata
