// UpstashRateLimitLog: the calls of all processes that share an Upstash Redis, over its REST API.
//
//   auto log = UpstashRateLimitLog::create({.url = "https://eu1-merry-cat-1.upstash.io",
//                                           .token = token});
//   auto limiter = makeRateLimiter(*log, {.name = "search", .limit = 10}, "shop");
//
// The same script as RedisRateLimitLog sends, so both count one log. Each check is a request, which
// takes milliseconds and counts against the plan. Options and timeouts: upstash_cache.h.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/base/clock.h"
#include "strata/limits/rate_limit_log.h"

namespace strata {

// Thread-safe. Errors are those of RateLimitLog, each for the reasons that upstash_cache.h tells. A
// request is sent once.
class UpstashRateLimitLog final : public RateLimitLog {
 public:
  // Connects to nothing. InvalidArgument: an option, something in the URL, or a certificate file is
  // wrong; says what. `clock` measures deadlines; it must outlive the log.
  static absl::StatusOr<std::shared_ptr<UpstashRateLimitLog>> create(
      UpstashOptions options, const Clock& clock = Clock::system());
  ~UpstashRateLimitLog() override;

  std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> calls,
                                            Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

 private:
  struct Core;
  explicit UpstashRateLimitLog(std::unique_ptr<Core> core);
  const std::unique_ptr<Core> core_;
};

}  // namespace strata
