#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/cache/guarded_cache.h"
#include "strata/factories/backends.h"

namespace strata::internal {

// The cache server of `backends`, for what is cached without standing in front of their database:
// the one that their stores use, or else one of its own, behind such a `breaker`. Null: none is
// configured, or caching on servers is off.
//
// A server that cannot be reached is logged and no error. InvalidArgument: the configuration is
// wrong. PermissionDenied, FailedPrecondition: as Cache::ping.
absl::StatusOr<std::shared_ptr<GuardedCache>> cacheServerOf(const Backends& backends,
                                                            const CircuitBreakerOptions& breaker = {
                                                                .name = "cache"});

}  // namespace strata::internal
