#include "adapters/redis/client/client.h"

#include <utility>

#include "src/base/outage.h"

namespace strata::internal {
namespace {

bool isCommandRefused(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsFailedPrecondition(status);
}

absl::Status pingOne(RedisCall& call, RedisNode& node) {
  RedisCommands commands;
  commands.add({"PING"});
  const auto answers = call.askMaster(node, std::move(commands));
  if (!answers.ok()) return answers.status();
  // That PING itself is forbidden says nothing about what the client needs.
  const absl::Status& pong = answers->front().status;
  return isCommandRefused(pong) ? absl::OkStatus() : pong;
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

absl::StatusOr<RedisTimes> RedisClient::beginCheck(Deadline deadline, LeftAlone left_alone) const {
  auto times = begin(deadline);
  if (!times.ok()) return times;
  times->insists = true;
  times->probes = left_alone == LeftAlone::kAsked;
  return times;
}

absl::Status RedisClient::ping(Deadline deadline, LeftAlone left_alone) const {
  const auto times = beginCheck(deadline, left_alone);
  if (!times.ok()) return times.status();
  RedisCall call(*router, *times);
  const auto nodes = router->all(*times);
  if (!nodes.ok()) return nodes.status();
  absl::Status failed;
  std::size_t failures = 0;
  for (const std::shared_ptr<RedisNode>& node : *nodes) {
    absl::Status pong = pingOne(call, *node);
    if (pong.ok()) continue;
    // The mark told how the others were when they were last asked.
    pong.ErasePayload(kOfOneServerMark);
    failed.Update(std::move(pong));
    if (2 * ++failures >= nodes->size()) return failed;
  }
  return failed.ok() || !router->mostServe() ? failed : markOfOneServer(std::move(failed));
}

absl::Status RedisClient::check(Deadline deadline, LeftAlone left_alone,
                                absl::FunctionRef<absl::Status(const RedisTimes&)> more) const {
  absl::Status met = ping(deadline, left_alone);
  if (!exceptOfOneServer(met).ok()) return met;
  const auto times = beginCheck(deadline, left_alone);
  if (!times.ok()) return times.status();
  absl::Status tried = more(*times);
  return exceptOfOneServer(tried).ok() && !met.ok() ? met : tried;
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
  absl::Status of_one;
  for (const RedisAnswer& answer : answers) {
    const bool key_is_strange = answer.forbids_name && check_key.empty();
    if (answer.only_reads || key_is_strange) continue;
    if (!exceptOfOneServer(answer.status).ok()) return answer.status;
    of_one.Update(answer.status);
  }
  return of_one;
}

}  // namespace strata::internal
