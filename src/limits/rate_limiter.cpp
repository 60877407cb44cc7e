#include "strata/limits/rate_limiter.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <map>

#include "strata/base/status.h"
#include "strata/records/id.h"

namespace strata {
namespace {

using Decision = absl::StatusOr<RateLimitDecision>;
using LogEntry = absl::StatusOr<RateLimitLog::Entry>;

constexpr std::size_t kMaxNameBytes = 64;

bool isNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// The beginning of every key of a limit, as KeySpace would make it of a name known earlier.
std::string prefixOf(std::string_view app, const RateLimit& limit) {
  return encodeSegment(app).append(":ratelimit:").append(limit.name).append(":");
}

class LogRateLimiter final : public RateLimiter {
 public:
  LogRateLimiter(std::shared_ptr<RateLimitLog> log, RateLimit limit, std::string_view app)
      : log_(std::move(log)), limit_(std::move(limit)), prefix_(prefixOf(app, limit_)) {}

  const RateLimit& limit() const override { return limit_; }
  Decision check(std::string_view id, Deadline deadline) override;
  Health healthCheck() override;
  CircuitBreaker* breaker() override { return log_->breaker(); }
  absl::StatusOr<Question> question(std::string_view id, Deadline deadline) override;
  Decision decide(std::string_view id, const LogEntry& entry) override;

 private:
  const std::shared_ptr<RateLimitLog> log_;
  const RateLimit limit_;
  const std::string prefix_;
};

absl::StatusOr<RateLimiter::Question> LogRateLimiter::question(std::string_view id_text,
                                                               Deadline /*deadline*/) {
  const Id id(id_text);
  if (absl::Status valid = id.check(); !valid.ok()) {
    return annotate(valid, fmt::format("rate limit {}", limit_.name));
  }
  return Question{.log = log_.get(), .key = KeySpace::keyUnder(prefix_, id)};
}

Decision LogRateLimiter::check(std::string_view id, Deadline deadline) {
  const absl::StatusOr<Question> asked = question(id, deadline);
  if (!asked.ok()) return asked.status();
  const RateLimitLog::Call call{.key = asked->key, .limit = limit_.limit, .window = limit_.window};
  return decide(id, log_->record({&call, 1}, deadline).front());
}

Decision LogRateLimiter::decide(std::string_view /*id*/, const LogEntry& entry) {
  if (!entry.ok()) return annotate(entry.status(), fmt::format("rate limit {}", limit_.name));
  return RateLimitDecision{
      .allowed = entry->recorded,
      .limit = limit_.limit,
      .remaining = std::max<std::int64_t>(limit_.limit - entry->count, 0),
      .reset_at = entry->room_at,
      .retry_after = entry->recorded ? absl::ZeroDuration() : entry->until_room};
}

Health LogRateLimiter::healthCheck() {
  Health log = log_->healthCheck();
  return {.component = "rate-limiter",
          .backend = log.backend,
          .state = log.state,
          .latency = log.latency,
          .error = log.error,
          .children = {log}};
}

// ---- Several at once ----

// The checks whose limiters share a log.
struct Shared {
  std::vector<std::size_t> checks;
  std::vector<RateLimitLog::Call> calls;
};

bool isStricter(const RateLimitDecision& a, const RateLimitDecision& b) {
  if (a.allowed != b.allowed) return !a.allowed;
  if (!a.allowed) return a.retry_after > b.retry_after;
  return a.remaining < b.remaining;
}

std::int64_t secondsUp(absl::Duration duration) {
  return absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1)));
}

}  // namespace

absl::Status validate(const RateLimit& limit) {
  const std::string& name = limit.name;
  if (name.empty() || name.size() > kMaxNameBytes ||
      !std::all_of(name.begin(), name.end(), isNameByte)) {
    return absl::InvalidArgumentError(
        "rate limit: name must be 1 to 64 lower-case letters, digits, '-' and '_'");
  }
  if (limit.limit < 1 || limit.limit > kMaxRateLimit) {
    return absl::InvalidArgumentError(
        fmt::format("rate limit {}: limit must be 1 to {}", name, kMaxRateLimit));
  }
  if (limit.window < kMinRateLimitWindow || limit.window > kMaxRateLimitWindow ||
      limit.window != absl::Floor(limit.window, absl::Microseconds(1))) {
    return absl::InvalidArgumentError(fmt::format(
        "rate limit {}: window must be a millisecond to a day, in whole microseconds", name));
  }
  return absl::OkStatus();
}

RateLimit shareOf(const RateLimit& limit, double share) {
  RateLimit part = limit;
  part.limit = std::clamp<std::int64_t>(
      std::llround(std::floor(static_cast<double>(limit.limit) * share)), 1, limit.limit);
  return part;
}

absl::StatusOr<std::unique_ptr<RateLimiter>> makeRateLimiter(std::shared_ptr<RateLimitLog> log,
                                                             RateLimit limit,
                                                             std::string_view app) {
  if (absl::Status valid = validate(limit); !valid.ok()) return valid;
  if (absl::Status valid = checkApp(app); !valid.ok()) return annotate(valid, "rate limiter");
  return std::make_unique<LogRateLimiter>(std::move(log), std::move(limit), app);
}

Decision RateLimiter::decide(std::string_view /*id*/, const LogEntry& /*entry*/) {
  return absl::UnimplementedError("a limiter that asks a log has to decide by its answer");
}

std::vector<Decision> checkAll(absl::Span<const RateLimitCheck> checks, Deadline deadline) {
  std::vector<Decision> decisions(checks.size(), RateLimitDecision{});
  std::vector<std::string> keys(checks.size());
  std::map<RateLimitLog*, Shared> shared;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    RateLimiter& limiter = *checks[i].limiter;
    absl::StatusOr<RateLimiter::Question> question = limiter.question(checks[i].id, deadline);
    if (!question.ok()) {
      decisions[i] = question.status();
    } else if (question->log == nullptr) {
      decisions[i] = limiter.check(checks[i].id, deadline);
    } else {
      keys[i] = std::move(question->key);
      Shared& of_log = shared[question->log];
      of_log.checks.push_back(i);
      of_log.calls.push_back({keys[i], limiter.limit().limit, limiter.limit().window});
    }
  }
  for (const auto& [log, of_log] : shared) {
    const std::vector<LogEntry> entries = log->record(of_log.calls, deadline);
    for (std::size_t k = 0; k < entries.size(); ++k) {
      const std::size_t i = of_log.checks[k];
      decisions[i] = checks[i].limiter->decide(checks[i].id, entries[k]);
    }
  }
  return decisions;
}

Decision combine(absl::Span<const Decision> decisions) {
  if (decisions.empty()) return RateLimitDecision{};
  for (const Decision& decision : decisions) {
    if (!decision.ok()) return decision.status();
  }
  RateLimitDecision strictest = *decisions.front();
  bool degraded = false;
  for (const Decision& decision : decisions) {
    degraded |= decision->degraded;
    if (isStricter(*decision, strictest)) strictest = *decision;
  }
  strictest.degraded = degraded;
  return strictest;
}

std::vector<std::pair<std::string, std::string>> renderRateLimitHeaders(
    const RateLimitDecision& decision) {
  const auto reset = std::chrono::ceil<std::chrono::seconds>(decision.reset_at);
  std::vector<std::pair<std::string, std::string>> headers{
      {"X-RateLimit-Limit", std::to_string(decision.limit)},
      {"X-RateLimit-Remaining", std::to_string(decision.remaining)},
      {"X-RateLimit-Reset", std::to_string(reset.time_since_epoch().count())}};
  if (!decision.allowed) {
    const std::int64_t wait = std::max<std::int64_t>(secondsUp(decision.retry_after), 1);
    headers.emplace_back("Retry-After", std::to_string(wait));
  }
  return headers;
}

}  // namespace strata
