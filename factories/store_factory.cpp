#include "strata/factories/store_factory.h"

#include <fmt/format.h>

#include "factories/cache_server.h"
#include "strata/factories/app.h"

namespace strata::internal {

absl::Status checkStore(const Backends& backends, std::string_view store,
                        const StoreOptions& options) {
  if (backends.cache != nullptr && hasCacheServer(backends.config)) {
    const absl::Status app = requireApp(backends.config, fmt::format("store {}", store));
    if (!app.ok()) return app;
  }
  return validate(cachingOptions(backends, store, options));
}

CachingOptions cachingOptions(const Backends& backends, std::string_view store,
                              const StoreOptions& options) {
  return {.store = std::string(store),
          .app = appOf(backends.config),
          .ttl = options.cache_ttl,
          .negative_ttl = options.negative_cache_ttl,
          .compress_above_bytes = options.cache_compress_above_bytes,
          .max_queued_fills = options.cache_max_queued_fills,
          .max_decoded = options.cache_max_decoded,
          .failure_tier = options.cache_failure_tier,
          .consistency = options.consistency};
}

Invalidator invalidatorOf(const Backends& backends, const EntityInfo& entity) {
  return {GuardedCache::over(backends.cache, backends.metrics, *backends.clock, backends.executor),
          entity, std::string(entity.table), appOf(backends.config), backends.metrics};
}

}  // namespace strata::internal
