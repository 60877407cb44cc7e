#include "strata/factories/cache_admin_factory.h"

#include <memory>
#include <utility>

#include "factories/cache_server.h"

namespace strata {

absl::StatusOr<CacheAdmin> createCacheAdmin(const Backends& backends) {
  std::shared_ptr<Cache> cache = backends.cache;
  if (cache == nullptr) {
    auto server = internal::cacheServerOf(backends);
    if (!server.ok()) return server.status();
    cache = *std::move(server);
  }
  if (cache == nullptr) {
    return absl::FailedPreconditionError(
        "cache admin: nothing is cached; there is no cache server, or caching "
        "on it is off");
  }
  return CacheAdmin(std::move(cache), backends.config.app, backends.metrics, *backends.clock,
                    backends.executor);
}

}  // namespace strata
