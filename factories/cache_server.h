#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/cache/cache.h"
#include "strata/cache/guarded_cache.h"
#include "strata/factories/backends.h"

namespace strata::internal {

// Whether `config` names a cache server, and caching on servers is on.
bool hasCacheServer(const Config& config);

// As createCacheClient, counting into the metrics of `backends`. Of a cluster each node has such a
// circuit breaker.
absl::StatusOr<std::shared_ptr<Cache>> cacheClientOf(const Backends& backends,
                                                     const CircuitBreakerOptions& node_breaker);

// A new client of the cache that the configuration of `backends` names, guarded by such a
// `breaker`, and if it is a cluster with one more for each node; `backends.cache` is not used. The epoch is kept under `{app}:epoch`, where `app` is
// what every key of this configuration begins with: processes of one app share it, and two apps on
// one server do not drop each other's values.
//
// A server that cannot be reached is logged and no error. InvalidArgument: the configuration is
// wrong. PermissionDenied, FailedPrecondition: as Cache::ping.
absl::StatusOr<std::shared_ptr<GuardedCache>> openCache(const Backends& backends,
                                                        const CircuitBreakerOptions& breaker);

// The cache server of `backends`, for what is cached without standing in front of their database:
// the one that their stores use, or else one of its own, behind such a `breaker`. Null: none is
// configured, or caching on servers is off. Errors as from openCache.
absl::StatusOr<std::shared_ptr<GuardedCache>> cacheServerOf(const Backends& backends,
                                                            const CircuitBreakerOptions& breaker = {
                                                                .name = "cache"});

}  // namespace strata::internal
