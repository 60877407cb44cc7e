// The conformance suite on caching over a real Redis, in front of a real PostgreSQL.
#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/conformance/store_conformance.h"
#include "tests/conformance/store_harnesses.h"

namespace strata::testing {
namespace {

struct MakeRedis {
  std::shared_ptr<Cache> operator()() const {
    return RedisCache::create({.url = sharedServers().redis().url()}).value();
  }
};
template <typename Base>
using OverRedis = CachingHarness<PostgresHarness<Base>, MakeRedis>;

}  // namespace
}  // namespace strata::testing

STRATA_INSTANTIATE_STORE_CONFORMANCE(CachingOverRedis, OverRedis<ConformanceRecordHarness>,
                                     OverRedis<ConformancePairHarness>);
