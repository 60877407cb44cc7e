#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace strata::internal {

// What an error reply of Redis means to us. The one table of them is in redis_errors.cpp.
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
};

// `text` is the error as it came, without the '-'.
RedisError classifyRedisError(std::string_view text);

// The status of an error reply: the table's meaning, and the error's own first word.
absl::Status redisErrorStatus(std::string_view text);

}  // namespace strata::internal
