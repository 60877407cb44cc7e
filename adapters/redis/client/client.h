#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/redis/client/router.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/health.h"

namespace strata::internal {

// What everything that is kept in Redis has in common: where it is, until when a call may take, and
// whether it answers. Thread-safe.
struct RedisClient {
  RedisClient(std::shared_ptr<RedisRouter> the_router, const Clock& the_clock)
      : clock(the_clock),
        command_timeout(the_router->nodeOptions().command_timeout),
        router(std::move(the_router)) {}

  // DeadlineExceeded: the deadline has passed already.
  absl::StatusOr<RedisTimes> begin(Deadline deadline) const;
  // Every master answers, and still is one.
  absl::Status ping(Deadline deadline) const;
  Health healthOf(std::string component) const;

  const Clock& clock;
  const std::chrono::nanoseconds command_timeout;
  const std::shared_ptr<RedisRouter> router;
};

}  // namespace strata::internal
