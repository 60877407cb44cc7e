#include "adapters/redis/redis_call.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "adapters/redis/redis_errors.h"
#include "strata/core/status.h"

namespace strata::internal {

RedisReplies RedisCall::exchange(const RedisCommands& commands) {
  return connection_->exchange(commands, until_);
}

absl::StatusOr<RedisReplies> RedisCall::exchangeWithMaster(RedisCommands commands) {
  auto replies = connection_->exchangeWithMaster(std::move(commands), until_);
  if (replies.ok()) return replies;
  if (absl::IsUnavailable(replies.status())) pool_.closeIdle();
  return annotated(replies.status());
}

RedisReplies RedisCall::evaluate(std::size_t count,
                                 absl::FunctionRef<void(RedisCommands&, std::size_t, bool)> add) {
  RedisCommands by_name;
  for (std::size_t i = 0; i < count; ++i) add(by_name, i, true);
  RedisReplies replies = exchange(by_name);

  std::vector<std::size_t> unknown;
  RedisCommands in_full;
  for (std::size_t i = 0; i < count; ++i) {
    const absl::StatusOr<RedisReply>& reply = replies[i];
    if (!reply.ok() || !reply->isError()) continue;
    if (!classifyRedisError(reply->text()).no_script) continue;
    add(in_full, i, false);
    unknown.push_back(i);
  }
  if (unknown.empty()) return replies;
  RedisReplies again = exchange(in_full);
  for (std::size_t i = 0; i < unknown.size(); ++i) replies[unknown[i]] = std::move(again[i]);
  return replies;
}

absl::Status RedisCall::check(const absl::StatusOr<RedisReply>& reply) {
  if (!reply.ok()) return annotated(reply.status());
  if (!reply->isError()) return absl::OkStatus();
  if (classifyRedisError(reply->text()).retire) {
    connection_->retire();
    pool_.closeIdle();
  }
  return annotated(redisErrorStatus(reply->text()));
}

absl::Status RedisCall::unexpected() {
  connection_->retire();
  return annotated(absl::InternalError("a reply of another kind than expected"));
}

absl::Status RedisCall::annotated(const absl::Status& status) const {
  return annotate(status, fmt::format("redis at {}", server_));
}

void addScript(RedisCommands& commands, bool by_name, const RedisScript& script,
               std::string_view key, std::initializer_list<std::string_view> arguments) {
  std::vector<std::string_view> words{by_name ? "EVALSHA" : "EVAL",
                                      by_name ? script.sha : script.source, "1", key};
  words.insert(words.end(), arguments);
  commands.add(words);
}

}  // namespace strata::internal
