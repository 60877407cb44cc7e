#include "strata/factories/store_factory.h"

namespace strata::internal {

CachingOptions cachingOptions(const Backends& backends, std::string store,
                              const StoreOptions& options) {
  return {.store = std::move(store),
          .app = backends.config.app,
          .ttl = options.cache_ttl,
          .negative_ttl = options.negative_cache_ttl,
          .compress_above_bytes = options.cache_compress_above_bytes,
          .max_queued_fills = options.cache_max_queued_fills,
          .max_decoded = options.cache_max_decoded,
          .failure_tier = options.cache_failure_tier,
          .consistency = options.consistency};
}

}  // namespace strata::internal
