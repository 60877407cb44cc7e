#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "strata/core/secret.h"

namespace strata::internal {

// Where a Redis server is, and who we are to it.
struct RedisEndpoint {
  std::string host;  // empty: a Unix socket
  std::uint16_t port = 6379;
  std::string socket_path;
  std::string user;  // empty: the default user
  Secret password;
  int database = 0;

  // "127.0.0.1:6379", "[::1]:6379" or "/run/redis.sock": for messages.
  std::string describe() const;
};

// No error quotes any part of the URL: one that is malformed may have its password anywhere.
// InvalidArgument: says what is wrong. Unimplemented: a scheme of Redis that is not supported.
absl::StatusOr<RedisEndpoint> parseRedisUrl(const Secret& url);

}  // namespace strata::internal
