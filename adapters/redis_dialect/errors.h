#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace strata::internal {

// The kind of peer that answers: a Redis server, or a REST service in front of one.
enum class RedisSpeaker : std::uint8_t { kServer, kRestService };

// The meaning of an error reply. All that are known are in errors.cpp.
struct RedisError {
  absl::StatusCode code = absl::StatusCode::kInternal;
  // For people. Never from the server's own text, which may quote arguments.
  std::string_view meaning;
  // The connection is of no more use: it leads to a server that cannot serve, or that no longer
  // knows us. Never fall back to a plain read then; such a server may be behind its master.
  bool retire = false;
  // Refused because nothing can be stored now; reading still works.
  bool only_reads = false;
  // The server does not know the script that EVALSHA named.
  bool no_script = false;
  // Only a node of a cluster says that.
  bool of_cluster = false;
  // An ACL forbids the key or the channel, and not the command.
  bool forbids_name = false;
};

// `text` is the error as it came, without the '-'.
RedisError classifyRedisError(std::string_view text, RedisSpeaker speaker = RedisSpeaker::kServer);

// The status of an error reply: its meaning, and its own first word. It holds nothing else of the
// text, which may quote arguments.
absl::Status redisErrorStatus(std::string_view text, RedisSpeaker speaker = RedisSpeaker::kServer);

}  // namespace strata::internal
