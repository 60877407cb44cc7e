#include "strata/factories/rate_limiter_factory.h"

#include <set>
#include <string>
#include <utility>

#include "factories/backend_options.h"
#include "strata/adapters/redis/redis_rate_limit_log.h"
#include "strata/adapters/upstash/upstash_rate_limit_log.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/factories/app.h"
#include "strata/limits/in_memory_rate_limit_log.h"
#include "strata/records/key_space.h"

namespace strata {
namespace {

using Log = std::shared_ptr<RateLimitLog>;

absl::Status validate(const Config& config, const RateLimiterOptions& options) {
  if (absl::Status valid = strata::validate(config); !valid.ok()) return valid;
  if (absl::Status valid = strata::validate(options.limit); !valid.ok()) return valid;
  const std::string user = "rate limit " + options.limit.name;
  if (!(options.local_share > 0 && options.local_share <= 1)) {
    return absl::InvalidArgumentError(user + ": local_share must be above 0 and at most 1");
  }
  if (config.rateLimitProvider() == RateLimitProvider::kMemory) return absl::OkStatus();
  return requireApp(config, user);
}

absl::StatusOr<Log> createServerLog(const Backends& backends, bool is_upstash,
                                    const CircuitBreakerOptions& breaker) {
  const Config& config = backends.config;
  if (is_upstash) {
    return UpstashRateLimitLog::create(internal::upstashOptions(config, backends.cache_password),
                                       *backends.clock);
  }
  return RedisRateLimitLog::create(
      internal::redisOptions(config, backends.cache_password,
                             encodeSegment(appOf(config)) + ":ratelimit:health", breaker),
      *backends.clock, backends.metrics, backends.executor);
}

// A wrong password is a mistake to be told at once; a server that is down is not.
absl::Status probe(RateLimitLog& rate_limit_log) {
  const absl::Status status = rate_limit_log.ping();
  if (absl::IsPermissionDenied(status) || absl::IsInvalidArgument(status) ||
      absl::IsFailedPrecondition(status)) {
    return annotate(status, "REDIS_URL");
  }
  if (!status.ok()) {
    log(Severity::kWarning, "strata.ratelimit.unavailable_at_start", {{"error", describe(status)}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Log> createRateLimitLog(const Backends& backends,
                                       const CircuitBreakerOptions& breaker) {
  if (absl::Status valid = validate(backends.config); !valid.ok()) return valid;
  const RateLimitProvider provider = backends.config.rateLimitProvider();
  if (provider == RateLimitProvider::kMemory) {
    return std::make_shared<InMemoryRateLimitLog>(*backends.clock);
  }
  const bool is_upstash = provider == RateLimitProvider::kUpstash;
  if (absl::Status valid = validate(breaker); !valid.ok()) return valid;
  absl::StatusOr<Log> server = createServerLog(backends, is_upstash, breaker);
  if (!server.ok()) return server;
  if (absl::Status status = probe(**server); !status.ok()) return status;
  return GuardedRateLimitLog::create(
      *std::move(server), {.breaker = breaker, .backend = is_upstash ? "upstash" : "redis"},
      backends.metrics, *backends.clock, backends.executor);
}

absl::StatusOr<std::unique_ptr<RateLimiter>> createRateLimiter(const Backends& backends, Log log,
                                                               const RateLimiterOptions& options) {
  if (absl::Status valid = validate(backends.config, options); !valid.ok()) return valid;
  const std::string app = appOf(backends.config);
  auto limiter = makeRateLimiter(std::move(log), options.limit, app);
  if (!limiter.ok()) return limiter;
  GuardedRateLimiterOptions guard{.on_failure = options.on_failure};
  if (options.on_failure == RateLimitFailure::kLocalShare) {
    auto local = makeRateLimiter(std::make_shared<InMemoryRateLimitLog>(*backends.clock),
                                 shareOf(options.limit, options.local_share), app);
    if (!local.ok()) return local;
    guard.local = *std::move(local);
  }
  return GuardedRateLimiter::create(*std::move(limiter), std::move(guard), backends.metrics,
                                    *backends.clock);
}

absl::StatusOr<std::vector<std::unique_ptr<RateLimiter>>> createRateLimiters(
    const Backends& backends, absl::Span<const RateLimiterOptions> options) {
  std::set<std::string> names;
  for (const RateLimiterOptions& one : options) {
    if (absl::Status valid = validate(backends.config, one); !valid.ok()) return valid;
    if (!names.insert(one.limit.name).second) {
      return absl::InvalidArgumentError("two rate limits are named " + one.limit.name);
    }
  }
  auto log = createRateLimitLog(backends);
  if (!log.ok()) return log.status();
  std::vector<std::unique_ptr<RateLimiter>> limiters;
  for (const RateLimiterOptions& one : options) {
    auto limiter = createRateLimiter(backends, *log, one);
    if (!limiter.ok()) return limiter.status();
    limiters.push_back(*std::move(limiter));
  }
  return limiters;
}

absl::StatusOr<std::unique_ptr<RateLimiter>> createRateLimiter(const Backends& backends,
                                                               const RateLimiterOptions& options) {
  auto limiters = createRateLimiters(backends, {&options, 1});
  if (!limiters.ok()) return limiters.status();
  return std::move(limiters->front());
}

absl::StatusOr<std::unique_ptr<RateLimiter>> createRateLimiter(const Config& config,
                                                               const RateLimiterOptions& options) {
  return createRateLimiter(Backends{.config = config}, options);
}

}  // namespace strata
