#include "strata/factories/cache_admin_factory.h"

#include <memory>
#include <utility>

#include "factories/cache_server.h"
#include "strata/factories/app.h"

namespace strata {

absl::StatusOr<CacheAdmin> createCacheAdmin(const Backends& backends) {
  if (internal::hasCacheServer(backends.config)) {
    if (absl::Status app = requireApp(backends.config, "cache admin"); !app.ok()) return app;
  }
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
  return CacheAdmin(std::move(cache), appOf(backends.config), backends.metrics, *backends.clock,
                    backends.executor);
}

}  // namespace strata
