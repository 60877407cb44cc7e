#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/redis/redis_command.h"
#include "adapters/redis/redis_reply.h"
#include "adapters/redis/redis_server_info.h"
#include "adapters/redis/redis_socket.h"
#include "adapters/redis/redis_url.h"

namespace strata::internal {

using RedisReplies = std::vector<absl::StatusOr<RedisReply>>;

// A connection that is authenticated, has chosen its database and knows whom it leads to. For one
// thread at a time.
//
// Replies are told apart by their order alone. So after anything that could leave a reply behind (a
// timeout, an error of the socket, bytes that are no reply) it is never used again: the next
// command would be answered with somebody else's value.
class RedisConnection {
 public:
  // Unavailable: also when it leads to a replica. PermissionDenied, FailedPrecondition: as the
  // server answered to our password and our database.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> open(const RedisEndpoint& endpoint,
                                                               IoTime until);

  // The reply to each command, which may be an error of the server; or why there is none.
  RedisReplies exchange(const RedisCommands& commands, IoTime until);
  // The same in one round trip, but ok only if the connection led to the same life of the same
  // master still after the commands; otherwise it is retired. What an ACL keeps it from seeing is
  // taken to be unchanged.
  absl::StatusOr<RedisReplies> exchangeWithMaster(RedisCommands commands, IoTime until);

  // What the server said when the connection was opened.
  const RedisServerInfo& server() const { return server_; }
  // Never to be used again, whatever the state of its socket.
  void retire() { retired_ = true; }
  bool isRetired() const { return retired_; }
  // Whether it can be used now. Costs a system call.
  bool isReady() const { return !retired_ && socket_.isQuiet(); }

 private:
  explicit RedisConnection(RedisSocket socket) : socket_(std::move(socket)) {}

  absl::Status introduce(const RedisEndpoint& endpoint, IoTime until);
  absl::Status readReply(RedisReplies& replies, IoTime until);

  RedisSocket socket_;
  RedisReplyReader reader_;
  RedisServerInfo server_;
  bool retired_ = false;
};

}  // namespace strata::internal
