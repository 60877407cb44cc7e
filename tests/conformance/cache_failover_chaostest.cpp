// The suites of caches on one RedisCache that lives through a failover before every fourth test:
// what it promised on the first master it keeps on each that follows. A failover takes two seconds.
//
//   STRATA_FAILOVER_EVERY=1   before every test
#include <cstdlib>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/conformance/cache_conformance.h"
#include "strata/testing/conformance/fenced_cache_conformance.h"
#include "strata/testing/servers/local_sentinel.h"

namespace strata::testing {
namespace {

struct Deployment {
  std::unique_ptr<LocalSentinel> redis = LocalSentinel::start().value();
  std::shared_ptr<RedisCache> cache = RedisCache::create({.url = redis->url(),
                                                          .connect_timeout = absl::Seconds(10),
                                                          .command_timeout = absl::Seconds(10)})
                                          .value();
};

class AfterFailover final : public CacheHarness {
 public:
  AfterFailover() {
    static int tests = 0;
    const char* const every = std::getenv("STRATA_FAILOVER_EVERY");
    if (tests++ % (every == nullptr ? 4 : std::atoi(every)) == 0) failOver();
  }
  Cache& cache() override { return *deployment().cache; }

 private:
  void failOver() {
    EXPECT_TRUE(eventually([&] { return cache().ping().ok(); }));
    const Incarnation before = cache().incarnation({});
    EXPECT_THAT(deployment().redis->failOver(), IsOk());
    // B-28: without a restart.
    EXPECT_TRUE(eventually([&] { return cache().ping().ok(); }));
    // B-30
    EXPECT_NE(cache().incarnation({}), before);
  }
  static Deployment& deployment() {
    static Deployment deployment;
    return deployment;
  }
};

const auto kCaches = ::testing::Values(
    CacheUnderTest{"AfterFailover", [] { return std::make_unique<AfterFailover>(); }});

INSTANTIATE_TEST_SUITE_P(RedisSentinel, CacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(RedisSentinel, FencedCacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(RedisSentinel, LivingCacheConformance, kCaches, nameOfCache);

}  // namespace
}  // namespace strata::testing
