#include "tests/chaos/stack.h"

#include <utility>

#include "strata/adapters/postgres/postgres_store.h"
#include "strata/cache/guarded_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/decorators/coalescing_store.h"
#include "strata/decorators/guarded_store.h"
#include "strata/factories/backends.h"
#include "tests/chaos/delays.h"

namespace strata::chaos {

absl::StatusOr<std::unique_ptr<Store<ChaosRecord>>> makeStack(const Slot& slot, Consistency level,
                                                              std::shared_ptr<Metrics> metrics) {
  Config config;
  config.app = "chaos";
  config.database_url = slot.database_url.data();
  config.cache_url = slot.redis_url.data();
  auto database = PostgresPool::open({.url = config.database_url});
  if (!database.ok()) return database.status();
  auto rows = PostgresStore<ChaosRecord>::create(*database, SchemaPolicy::kVerify);
  if (!rows.ok()) return rows.status();
  auto guarded = GuardedStore<ChaosRecord>::create(
      std::make_unique<DelayingStore<ChaosRecord>>(*std::move(rows)), *Bulkhead::create({}),
      {.store = "chaos"}, metrics);
  if (!guarded.ok()) return guarded.status();
  auto coalescing =
      CoalescingStore<ChaosRecord>::create(*std::move(guarded), {.store = "chaos"}, metrics);
  if (!coalescing.ok()) return coalescing.status();
  auto client = createCacheClient(config);
  if (!client.ok()) return client.status();
  // Open for a shorter time than by default, to see it recover often.
  auto cache = GuardedCache::create(std::make_shared<DelayingCache>(*std::move(client)),
                                    {.breaker = {.open_time = absl::Seconds(1)}}, metrics);
  if (!cache.ok()) return cache.status();
  auto cached = CachingStore<ChaosRecord>::create(*std::move(coalescing), *std::move(cache),
                                                  {.store = "chaos",
                                                   .app = config.app,
                                                   .ttl = kValueTtl,
                                                   .ttl_jitter = kTtlJitter,
                                                   .negative_ttl = kNegativeTtl,
                                                   .lease_ttl = kLeaseTtl,
                                                   .consistency = level},
                                                  std::move(metrics));
  if (!cached.ok()) return cached.status();
  return std::unique_ptr<Store<ChaosRecord>>(*std::move(cached));
}

}  // namespace strata::chaos
