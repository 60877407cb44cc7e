// GuardedRateLimiter: a limiter that always decides: where the log below cannot be asked, a policy
// does.
//
//   auto guarded = GuardedRateLimiter::create(std::move(limiter),
//                                             {.on_failure = RateLimitFailure::kClosed});
//
// It also counts the decisions, and logs once when it begins to do without the log and once when it
// is back. A log that hangs belongs behind a GuardedRateLimitLog as well; otherwise each call waits
// for it.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "strata/base/clock.h"
#include "strata/base/metrics.h"
#include "strata/limits/rate_limiter.h"

namespace strata {

// What becomes of a call of which the log says nothing.
enum class RateLimitFailure : std::uint8_t {
  // Allowed: a limiter that is down is nobody's outage (FailureTier::kBestEffort).
  kOpen,
  // Denied: better nobody than too many (FailureTier::kCritical).
  kClosed,
  // This process's share of the limit, counted in memory (FailureTier::kImportant). Denied where
  // that holds as many keys as it may (InMemoryRateLimitLogOptions).
  kLocalShare,
};

struct GuardedRateLimiterOptions {
  RateLimitFailure on_failure = RateLimitFailure::kOpen;
  // Decides for kLocalShare: a limiter in memory of a share of the limit. It counts nothing while
  // the log answers, so it starts with an empty window.
  std::unique_ptr<RateLimiter> local = nullptr;
};

// Thread-safe. Decisions that the policy made are `degraded`; of kOpen, `remaining` is the whole
// limit; of kClosed, `retry_after` is a few seconds.
//
// InvalidArgument, and a deadline that had passed before, are the caller's own and answered as
// such; any other error is the policy's, a deadline that passed while the log was asked as well.
class GuardedRateLimiter final : public RateLimiter {
 public:
  // InvalidArgument: kLocalShare without `local`. `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<GuardedRateLimiter>> create(
      std::unique_ptr<RateLimiter> limiter, GuardedRateLimiterOptions options = {},
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system());
  ~GuardedRateLimiter() override;

  const RateLimit& limit() const override;
  absl::StatusOr<RateLimitDecision> check(std::string_view id, Deadline deadline = {}) override;
  // kWarn while the log does not answer, kFail where that means that nobody is let in.
  Health healthCheck() override;
  CircuitBreaker* breaker() override;
  absl::StatusOr<Question> question(std::string_view id, Deadline deadline) override;
  absl::StatusOr<RateLimitDecision> decide(
      std::string_view id, const absl::StatusOr<RateLimitLog::Entry>& entry) override;

 private:
  struct Core;
  explicit GuardedRateLimiter(std::unique_ptr<Core> core);
  const std::unique_ptr<Core> core_;
};

}  // namespace strata
