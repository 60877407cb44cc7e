#include "adapters/redis/client/client.h"

#include <utility>

namespace strata::internal {
namespace {

bool isCommandRefused(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsFailedPrecondition(status);
}

}  // namespace

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
    // That PING itself is forbidden says nothing about what the client needs.
    const absl::Status& pong = answers->front().status;
    if (!pong.ok() && !isCommandRefused(pong)) return pong;
  }
  return absl::OkStatus();
}

std::vector<std::string> RedisClient::keysToTry() const {
  const std::string key = check_key.empty() ? "strata:health" : check_key;
  // What does not tell what it is may be a node of a cluster.
  if (router->only() != nullptr && !router->isBlind()) return {key};
  // Of ten masters with equal shares each is met with a chance of 97 %.
  constexpr int kOfMany = 32;
  std::vector<std::string> keys;
  keys.reserve(kOfMany);
  for (int i = 0; i < kOfMany; ++i) keys.push_back(key + ":" + std::to_string(i));
  return keys;
}

absl::Status RedisClient::verdictOn(const RedisAnswers& answers) const {
  for (const RedisAnswer& answer : answers) {
    const bool key_is_strange = answer.forbids_name && check_key.empty();
    if (!answer.status.ok() && !answer.only_reads && !key_is_strange) return answer.status;
  }
  return absl::OkStatus();
}

}  // namespace strata::internal
