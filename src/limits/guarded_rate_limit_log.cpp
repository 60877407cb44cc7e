#include "strata/limits/guarded_rate_limit_log.h"

#include <string_view>
#include <utility>

#include "src/base/outage.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/status.h"

namespace strata {
namespace {

constexpr std::string_view kLog = "rate limit log";

}  // namespace

absl::StatusOr<std::shared_ptr<GuardedRateLimitLog>> GuardedRateLimitLog::create(
    std::shared_ptr<RateLimitLog> log, GuardedRateLimitLogOptions options,
    const std::shared_ptr<Metrics>& metrics, const Clock& clock,
    std::shared_ptr<Executor> executor) {
  if (absl::Status valid = validate(options.breaker); !valid.ok()) return valid;
  return std::shared_ptr<GuardedRateLimitLog>(new GuardedRateLimitLog(
      std::move(log), std::move(options), metrics, clock, std::move(executor)));
}

GuardedRateLimitLog::GuardedRateLimitLog(std::shared_ptr<RateLimitLog> log,
                                         GuardedRateLimitLogOptions options,
                                         std::shared_ptr<Metrics> metrics, const Clock& clock,
                                         std::shared_ptr<Executor> executor)
    : log_(std::move(log)),
      metrics_(std::move(metrics)),
      clock_(clock),
      backend_(std::move(options.backend)),
      breaker_(
          std::move(options.breaker), [this] { return internal::exceptOfOneServer(log_->ping()); },
          metrics_, clock_, std::move(executor)) {}

void GuardedRateLimitLog::note(const absl::Status& status, Deadline deadline) {
  if (status.ok()) return breaker_.noteSuccess();
  if (internal::isOutage(status, deadline, clock_)) breaker_.noteFailure(status);
}

std::vector<absl::StatusOr<RateLimitLog::Entry>> GuardedRateLimitLog::record(
    absl::Span<const Call> calls, Deadline deadline) {
  if (calls.empty()) return {};
  if (!breaker_.allows()) return {calls.size(), breaker_.refusal()};
  const auto all = [&](const absl::Status& status) {
    return std::vector<absl::StatusOr<Entry>>(calls.size(), status);
  };
  std::vector<absl::StatusOr<Entry>> entries = internal::callOut(
      kLog, [&] { return log_->record(calls, deadline); }, all);
  if (entries.size() != calls.size()) {
    entries = all(absl::InternalError("rate limit log: it has not answered for each call"));
  }
  // A log that answers for some of them is there.
  const absl::StatusOr<Entry>* failure = nullptr;
  for (const absl::StatusOr<Entry>& entry : entries) {
    if (entry.ok()) {
      breaker_.noteSuccess();
      return entries;
    }
    if (failure == nullptr || internal::isOfOneServer(failure->status())) failure = &entry;
  }
  note(failure->status(), deadline);
  return entries;
}

absl::Status GuardedRateLimitLog::ping(Deadline deadline) {
  if (!breaker_.allows()) return breaker_.refusal();
  absl::Status status = internal::callOut(kLog, [&] { return log_->ping(deadline); });
  note(status, deadline);
  return status;
}

Health GuardedRateLimitLog::healthCheck() {
  if (breaker_.allows()) {
    Health health = internal::callOut(
        kLog, [&] { return log_->healthCheck(); },
        [&](const absl::Status& thrown) {
          return Health{.component = "rate-limit-log",
                        .backend = backend_,
                        .state = HealthState::kFail,
                        .error = describe(thrown)};
        });
    if (health.healthy()) breaker_.noteSuccess();
    return health;
  }
  return {.component = "rate-limit-log",
          .backend = backend_,
          .state = HealthState::kFail,
          .error = describe(breaker_.refusal())};
}

}  // namespace strata
