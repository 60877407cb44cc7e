#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/upstash/client.h"
#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/base/health.h"

namespace strata::internal {

// What everything that is kept in Upstash has in common.

// The options of a client, from those of an application. InvalidArgument: says which is wrong.
absl::StatusOr<UpstashClient::Options> upstashClientOptions(UpstashOptions options);

absl::Status pingUpstash(UpstashClient& client, Deadline deadline);
Health upstashHealth(std::string component, absl::FunctionRef<absl::Status()> ping,
                     const Clock& clock);

}  // namespace strata::internal
