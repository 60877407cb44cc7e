// createRateLimiter(backends, options): a rate limiter on whatever is configured.
//
//   const strata::RateLimit limit{.name = "search", .limit = 10};
//   auto limiter = strata::createRateLimiter(*backends, {.limit = limit});
//
// docs/rate_limiter.md has the rules and the failure policies.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "strata/factories/backends.h"
#include "strata/limits/guarded_rate_limit_log.h"
#include "strata/limits/guarded_rate_limiter.h"
#include "strata/limits/rate_limiter.h"

namespace strata {

struct RateLimiterOptions {
  RateLimit limit;
  RateLimitFailure on_failure = RateLimitFailure::kOpen;
  // Of RateLimitFailure::kLocalShare: this process's part of the limit, above 0 and at most 1. With
  // n processes behind a balancer, 1/n keeps the whole limit about right.
  double local_share = 0.25;
};

// Where the calls are recorded, told from Config::rateLimitProvider(): a Redis server or Upstash,
// which need no database, or this process. One for all limiters of an application: they share its
// connections and its breaker, and checkAll asks it once. Do not share it between Configs.
//
// A server that cannot be reached is logged and no error. InvalidArgument: the configuration or an
// option is wrong. PermissionDenied, FailedPrecondition: as RedisCache::ping.
absl::StatusOr<std::shared_ptr<RateLimitLog>> createRateLimitLog(
    const Backends& backends,
    const CircuitBreakerOptions& breaker = GuardedRateLimitLogOptions{}.breaker);

// One limiter for each of `options`, whose limits have different names, over one log.
// InvalidArgument: a limit or a share is out of range, or they are counted on a server and no app
// is set (app.h). Other errors as above.
absl::StatusOr<std::vector<std::unique_ptr<RateLimiter>>> createRateLimiters(
    const Backends& backends, absl::Span<const RateLimiterOptions> options);
absl::StatusOr<std::unique_ptr<RateLimiter>> createRateLimiter(const Backends& backends,
                                                               const RateLimiterOptions& options);
// The same without other backends: no database is connected to.
absl::StatusOr<std::unique_ptr<RateLimiter>> createRateLimiter(const Config& config,
                                                               const RateLimiterOptions& options);

// A limiter over a log that createRateLimitLog made: for limits that are not known at once.
absl::StatusOr<std::unique_ptr<RateLimiter>> createRateLimiter(const Backends& backends,
                                                               std::shared_ptr<RateLimitLog> log,
                                                               const RateLimiterOptions& options);

}  // namespace strata
