#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "adapters/redis/client/node.h"
#include "adapters/redis/client/router.h"
#include "strata/adapters/redis/redis_cache.h"

namespace strata::internal {

// What the URL and the options ask for. Connects to nothing. `guard`: of a cluster, what each node's
// circuit breaker is made with; none: they have none.
// InvalidArgument: an option, or something in the URL, is wrong; says what.
absl::StatusOr<std::shared_ptr<RedisRouter>> makeRedisRouter(
    const RedisOptions& options, std::optional<RedisNodeGuard> guard = std::nullopt);

}  // namespace strata::internal
