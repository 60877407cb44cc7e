// RedisRateLimitLog: the calls of all processes that share a Redis: one server, a master that
// sentinels watch over, or a cluster.
//
//   auto log = RedisRateLimitLog::create({.url = "rediss://user:password@redis.internal:6380"});
//   auto limiter = makeRateLimiter(*log, {.name = "search", .limit = 10}, "shop");
//
// One atomic script per key, on the server's clock. A key is a sorted set of the times of the calls
// in its window, and lives no longer than they; docs/rate_limiter.md tells what it costs. How it
// connects, and its timeouts: redis_cache.h. It needs Redis 5 or newer.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"
#include "strata/limits/rate_limit_log.h"

namespace strata {

// Thread-safe. Errors are those of RateLimitLog, each for the reasons that redis_cache.h tells.
//
// A call is sent once: where the connection broke before the answer came, that is an error, for a
// second script could record the call again.
//
// What a failover or a restart has lost is not counted: Redis replicates and saves with a delay.
class RedisRateLimitLog final : public RateLimitLog {
 public:
  // Connects to nothing, so a server that is down is no error yet; ping() does.
  // InvalidArgument: an option, or something in the URL, is wrong; says what.
  // `clock` measures deadlines and the breakers of a cluster's nodes, and nothing else; it must
  // outlive the log. Probes of these breakers run on `executor`.
  static absl::StatusOr<std::shared_ptr<RedisRateLimitLog>> create(
      const RedisOptions& options, const Clock& clock = Clock::system(),
      std::shared_ptr<Metrics> metrics = Metrics::none(),
      std::shared_ptr<Executor> executor = Executor::shared());
  ~RedisRateLimitLog() override;

  std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> calls,
                                            Deadline deadline = {}) override;
  // Also tries whether the script may be run.
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

 private:
  struct Core;
  explicit RedisRateLimitLog(std::unique_ptr<Core> core);
  const std::unique_ptr<Core> core_;
};

}  // namespace strata
