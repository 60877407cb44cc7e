#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/upstash/client.h"
#include "strata/adapters/upstash/upstash_cache.h"

namespace strata::internal {

// What everything that is kept in Upstash has in common.

// The options of a client, from those of an application. InvalidArgument: says which is wrong.
absl::StatusOr<UpstashClient::Options> upstashClientOptions(UpstashOptions options);

absl::Status pingUpstash(UpstashClient& client, Deadline deadline);

}  // namespace strata::internal
