#include "strata/limits/guarded_rate_limiter.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata {
namespace {

using Decision = absl::StatusOr<RateLimitDecision>;

// When to come back after a kClosed denial: about as long as a short outage.
constexpr absl::Duration kClosedRetry = absl::Seconds(5);
// So long no failure: the log is taken to be back. One that fails now and then is told of once.
constexpr absl::Duration kQuiet = absl::Seconds(10);

const char* toString(RateLimitFailure policy) {
  switch (policy) {
    case RateLimitFailure::kOpen:
      return "open";
    case RateLimitFailure::kClosed:
      return "closed";
    case RateLimitFailure::kLocalShare:
      return "local_share";
  }
  return "";
}

Counter& checksOf(Metrics& metrics, const std::string& limiter, const char* result) {
  return metrics.counter("strata_ratelimit_checks_total",
                         {{"limiter", limiter}, {"result", result}});
}

}  // namespace

struct GuardedRateLimiter::Core {
  Core(std::unique_ptr<RateLimiter> limiter_in, GuardedRateLimiterOptions options_in,
       std::shared_ptr<Metrics> metrics_in, const Clock& clock_in)
      : limiter(std::move(limiter_in)),
        options(std::move(options_in)),
        metrics(std::move(metrics_in)),
        clock(clock_in) {}

  const std::string& name() const { return limiter->limit().name; }
  absl::Status begin(Deadline deadline);
  Decision settle(std::string_view id, Decision decision);
  Decision byPolicy(std::string_view id) const;
  Decision denial() const;
  void noteFailure(const absl::Status& why);
  void noteSuccess();
  void count(const Decision& decision);

  const std::unique_ptr<RateLimiter> limiter;
  const GuardedRateLimiterOptions options;
  const std::shared_ptr<Metrics> metrics;
  const Clock& clock;
  Counter& allowed = checksOf(*metrics, name(), "allowed");
  Counter& denied = checksOf(*metrics, name(), "denied");
  Counter& degraded_allowed = checksOf(*metrics, name(), "degraded_allowed");
  Counter& degraded_denied = checksOf(*metrics, name(), "degraded_denied");
  Counter& errors = checksOf(*metrics, name(), "error");

  std::atomic<bool> is_degraded{false};
  std::atomic<std::int64_t> last_failure{0};  // nanoseconds of the clock
};

// After the deadline nobody wants an answer, not even the policy's.
absl::Status GuardedRateLimiter::Core::begin(Deadline deadline) {
  if (!deadline.hasPassed(clock)) return absl::OkStatus();
  errors.increment();
  return absl::DeadlineExceededError("rate limit: the deadline had passed before the call");
}

Decision GuardedRateLimiter::Core::settle(std::string_view id, Decision decision) {
  if (decision.ok()) {
    noteSuccess();
  } else if (!absl::IsInvalidArgument(decision.status())) {
    noteFailure(decision.status());
    decision = byPolicy(id);
  }
  count(decision);
  return decision;
}

Decision GuardedRateLimiter::Core::byPolicy(std::string_view id) const {
  const RateLimit& limit = limiter->limit();
  if (options.on_failure == RateLimitFailure::kClosed) return denial();
  if (options.on_failure == RateLimitFailure::kOpen) {
    return RateLimitDecision{.limit = limit.limit,
                             .remaining = limit.limit,
                             .reset_at = clock.wallTime(),
                             .degraded = true};
  }
  // Not by the deadline, which the log may have used up.
  Decision local = options.local->check(id);
  // A log in memory that is full counts no further key, and what is not counted is not allowed here.
  if (absl::IsResourceExhausted(local.status())) return denial();
  if (local.ok()) local->degraded = true;
  return local;
}

Decision GuardedRateLimiter::Core::denial() const {
  const RateLimit& limit = limiter->limit();
  const absl::Duration wait = std::min(limit.window, kClosedRetry);
  return RateLimitDecision{
      .allowed = false,
      .limit = limit.limit,
      .reset_at = clock.wallTime() + std::chrono::microseconds(absl::ToInt64Microseconds(wait)),
      .retry_after = wait,
      .degraded = true};
}

void GuardedRateLimiter::Core::noteFailure(const absl::Status& why) {
  last_failure.store(clock.now().nanos(), std::memory_order_relaxed);
  if (is_degraded.exchange(true)) return;
  log(Severity::kWarning, "strata.ratelimit.degraded",
      {{"limiter", name()}, {"policy", toString(options.on_failure)}, {"why", describe(why)}});
}

void GuardedRateLimiter::Core::noteSuccess() {
  if (!is_degraded.load(std::memory_order_relaxed)) return;
  const auto failed = MonotonicTime::fromNanos(last_failure.load(std::memory_order_relaxed));
  if (clock.now() - failed < kQuiet || !is_degraded.exchange(false)) return;
  log(Severity::kInfo, "strata.ratelimit.recovered", {{"limiter", name()}});
}

void GuardedRateLimiter::Core::count(const Decision& decision) {
  if (!decision.ok()) return errors.increment();
  if (decision->degraded) {
    return (decision->allowed ? degraded_allowed : degraded_denied).increment();
  }
  (decision->allowed ? allowed : denied).increment();
}

absl::StatusOr<std::unique_ptr<GuardedRateLimiter>> GuardedRateLimiter::create(
    std::unique_ptr<RateLimiter> limiter, GuardedRateLimiterOptions options,
    std::shared_ptr<Metrics> metrics, const Clock& clock) {
  if (options.on_failure == RateLimitFailure::kLocalShare && options.local == nullptr) {
    return absl::InvalidArgumentError("rate limiter: kLocalShare needs a local limiter");
  }
  return std::unique_ptr<GuardedRateLimiter>(new GuardedRateLimiter(
      std::make_unique<Core>(std::move(limiter), std::move(options), std::move(metrics), clock)));
}

GuardedRateLimiter::GuardedRateLimiter(std::unique_ptr<Core> core) : core_(std::move(core)) {}
GuardedRateLimiter::~GuardedRateLimiter() = default;

const RateLimit& GuardedRateLimiter::limit() const { return core_->limiter->limit(); }

Decision GuardedRateLimiter::check(std::string_view id, Deadline deadline) {
  if (absl::Status begun = core_->begin(deadline); !begun.ok()) return begun;
  return core_->settle(id, core_->limiter->check(id, deadline));
}

absl::StatusOr<RateLimiter::Question> GuardedRateLimiter::question(std::string_view id,
                                                                   Deadline deadline) {
  if (absl::Status begun = core_->begin(deadline); !begun.ok()) return begun;
  absl::StatusOr<Question> question = core_->limiter->question(id, deadline);
  if (!question.ok()) core_->errors.increment();
  return question;
}

Decision GuardedRateLimiter::decide(std::string_view id,
                                    const absl::StatusOr<RateLimitLog::Entry>& entry) {
  return core_->settle(id, core_->limiter->decide(id, entry));
}

CircuitBreaker* GuardedRateLimiter::breaker() { return core_->limiter->breaker(); }

Health GuardedRateLimiter::healthCheck() {
  Health health = core_->limiter->healthCheck();
  if (!health.healthy() && core_->options.on_failure != RateLimitFailure::kClosed) {
    health.state = HealthState::kWarn;
  }
  return health;
}

}  // namespace strata
