#include "adapters/redis/client/client.h"

#include <utility>
#include <vector>

#include "adapters/redis/client/call.h"
#include "src/base/health_check.h"

namespace strata::internal {

absl::StatusOr<RedisTimes> RedisClient::begin(Deadline deadline) const {
  if (deadline.hasPassed(clock)) {
    return absl::DeadlineExceededError("redis: the deadline had passed before the call");
  }
  // Far beyond any timeout, and near enough to add up to a time point.
  constexpr absl::Duration kLong = absl::Hours(24);
  const IoTime started = std::chrono::steady_clock::now();
  return RedisTimes{
      .started = started,
      .deadline = started + absl::ToChronoNanoseconds(deadline.remaining(kLong, clock)),
      .expires = started + command_timeout};
}

absl::Status RedisClient::ping(Deadline deadline) const {
  auto times = begin(deadline);
  if (!times.ok()) return times.status();
  times->insists = true;
  RedisCall call(*router, *times);
  const auto nodes = router->all(*times);
  if (!nodes.ok()) return nodes.status();
  for (const std::shared_ptr<RedisNode>& node : *nodes) {
    RedisCommands commands;
    commands.add({"PING"});
    const auto answers = call.askMaster(*node, std::move(commands));
    if (!answers.ok()) return answers.status();
    if (!answers->front().status.ok()) return answers->front().status;
  }
  return absl::OkStatus();
}

Health RedisClient::healthOf(std::string component) const {
  return healthByCheck(std::move(component), "redis", clock, [this] { return ping({}); });
}

}  // namespace strata::internal
