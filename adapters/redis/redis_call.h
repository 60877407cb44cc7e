#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/redis/redis_command.h"
#include "adapters/redis/redis_pool.h"
#include "adapters/redis/redis_scripts.h"

namespace strata::internal {

// One call of a cache: a connection for as long as it takes, and until when it may use it. For one
// thread. Every status it gives names the server.
class RedisCall {
 public:
  // `server` must outlive it.
  RedisCall(RedisPool& pool, RedisPool::Lease connection, IoTime until, std::string_view server)
      : pool_(pool), connection_(std::move(connection)), until_(until), server_(server) {}

  // See RedisConnection.
  RedisReplies exchange(const RedisCommands& commands);
  absl::StatusOr<RedisReplies> exchangeWithMaster(RedisCommands commands);
  // The replies to `count` calls of a script, which the server may have to be told: `add(commands,
  // i, by_name)` adds the i-th of them.
  RedisReplies evaluate(std::size_t count,
                        absl::FunctionRef<void(RedisCommands&, std::size_t, bool)> add);

  // The error of a reply, if it is one. A server that cannot serve is not asked again on any
  // connection that is open now.
  absl::Status check(const absl::StatusOr<RedisReply>& reply);
  // For a reply that no server gives to what was asked: the connection is out of step.
  absl::Status unexpected();
  absl::Status annotated(const absl::Status& status) const;

  // Whether this is still the life of the server that the rest of the process talks to.
  bool isCurrent() const { return incarnation() == pool_.incarnation(); }
  Incarnation incarnation() const { return connection_->server().incarnation; }
  bool hasSetNxGet() const { return connection_->server().has_set_nx_get; }

 private:
  RedisPool& pool_;
  RedisPool::Lease connection_;
  IoTime until_;
  std::string_view server_;
};

// Adds a call of `script` on one key, by its name or in full.
void addScript(RedisCommands& commands, bool by_name, const RedisScript& script,
               std::string_view key, std::initializer_list<std::string_view> arguments);

}  // namespace strata::internal
