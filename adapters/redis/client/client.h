#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/redis/client/call.h"
#include "adapters/redis/client/router.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/health.h"

namespace strata::internal {

// What everything that is kept in Redis has in common: where it is, until when a call may take, and
// whether it answers. Thread-safe.
struct RedisClient {
  // `check_key` as in RedisOptions.
  RedisClient(std::shared_ptr<RedisRouter> the_router, const Clock& the_clock,
              std::string the_check_key = {})
      : clock(the_clock),
        command_timeout(the_router->nodeOptions().command_timeout),
        router(std::move(the_router)),
        check_key(std::move(the_check_key)) {}

  // DeadlineExceeded: the deadline has passed already.
  absl::StatusOr<RedisTimes> begin(Deadline deadline) const;
  // What a check does about the nodes of a cluster whose circuit breaker is open.
  enum class LeftAlone : bool { kAsked, kReported };

  // Every master answers, and still is one. Where only some of several do not, which have circuit
  // breakers, the failure has the mark of outage.h.
  absl::Status ping(Deadline deadline, LeftAlone left_alone = LeftAlone::kAsked) const;
  // As `begin`, for a check.
  absl::StatusOr<RedisTimes> beginCheck(Deadline deadline, LeftAlone left_alone) const;
  // `ping`, and after it `more` of the same kind.
  absl::Status check(Deadline deadline, LeftAlone left_alone,
                     absl::FunctionRef<absl::Status(const RedisTimes&)> more) const;

  // Where to try what the client has to do: one key, or for what is or may be a cluster enough to
  // meet most masters.
  std::vector<std::string> keysToTry() const;
  // Ok, or the first of the answers to what was tried that tells that the client cannot do its
  // work. That a server can store nothing now does not.
  absl::Status verdictOn(const RedisAnswers& answers) const;

  const Clock& clock;
  const std::chrono::nanoseconds command_timeout;
  const std::shared_ptr<RedisRouter> router;
  const std::string check_key;
};

}  // namespace strata::internal
