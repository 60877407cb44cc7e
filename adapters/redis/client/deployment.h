#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "adapters/redis/client/router.h"
#include "strata/adapters/redis/redis_cache.h"

namespace strata::internal {

// What the URL and the options ask for. Connects to nothing.
// InvalidArgument: an option, or something in the URL, is wrong; says what.
absl::StatusOr<std::shared_ptr<RedisRouter>> makeRedisRouter(const RedisOptions& options);

}  // namespace strata::internal
