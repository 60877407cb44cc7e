#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/redis_dialect/scripts.h"
#include "adapters/upstash/client.h"
#include "strata/adapters/upstash/upstash_cache.h"

namespace strata::internal {

// What everything that is kept in Upstash has in common.

// The options of a client, from those of an application. InvalidArgument: says which is wrong.
absl::StatusOr<UpstashClient::Options> upstashClientOptions(UpstashOptions options);

// Runs a script that writes, under a key that is for nothing else: a PING, which costs as much, is
// answered to a token that may only read, too.
absl::Status tryUpstash(UpstashClient& client, const RedisScript& script,
                        const std::vector<std::string>& arguments, Deadline deadline);

}  // namespace strata::internal
