// GuardedRateLimitLog: a log that may hang, die and come back, behind a circuit breaker.
//
//   auto guarded = GuardedRateLimitLog::create(std::move(log), {});
//
// While the breaker is open nobody waits for the log: every call is answered Unavailable at once.
// What that means for callers is each limiter's to say (guarded_rate_limiter.h). One per server,
// shared by all limiters on it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "strata/base/circuit_breaker.h"
#include "strata/limits/rate_limit_log.h"

namespace strata {

struct GuardedRateLimitLogOptions {
  // Slower to open than a cache's: a limiter that is open lets everybody in.
  CircuitBreakerOptions breaker = {.name = "rate_limit",
                                   .failures_to_open = 5,
                                   .open_time = absl::Seconds(30),
                                   .probes_to_close = 3};
  // What health says that it is while it is not asked: "redis", "upstash".
  std::string backend = "redis";
};

// Thread-safe. Errors are those of RateLimitLog; Unavailable too while the breaker is open.
class GuardedRateLimitLog final : public RateLimitLog {
 public:
  // InvalidArgument: an option is out of its range. `clock` must outlive it.
  static absl::StatusOr<std::shared_ptr<GuardedRateLimitLog>> create(
      std::shared_ptr<RateLimitLog> log, GuardedRateLimitLogOptions options = {},
      const std::shared_ptr<Metrics>& metrics = Metrics::none(),
      const Clock& clock = Clock::system(),
      std::shared_ptr<Executor> executor = Executor::shared());

  std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> calls,
                                            Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  // Asks nobody while the breaker is open.
  Health healthCheck() override;

  CircuitBreaker* breaker() override { return &breaker_; }

 private:
  GuardedRateLimitLog(std::shared_ptr<RateLimitLog> log, GuardedRateLimitLogOptions options,
                      std::shared_ptr<Metrics> metrics, const Clock& clock,
                      std::shared_ptr<Executor> executor);
  void note(const absl::Status& status, Deadline deadline);

  const std::shared_ptr<RateLimitLog> log_;
  const std::shared_ptr<Metrics> metrics_;
  const Clock& clock_;
  const std::string backend_;
  CircuitBreaker breaker_;  // ends first: its probe uses the log
};

}  // namespace strata
