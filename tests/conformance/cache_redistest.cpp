#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/cache_conformance.h"
#include "strata/testing/fenced_cache_conformance.h"
#include "strata/testing/local_servers.h"

namespace strata::testing {
namespace {

class RedisHarness final : public CacheHarness {
 public:
  explicit RedisHarness(const std::string& url)
      // Generous: this is about answers, not about how fast a busy machine gives them.
      : cache_(RedisCache::create({.url = url,
                                   .connect_timeout = absl::Seconds(10),
                                   .command_timeout = absl::Seconds(10)})
                   .value()) {}
  Cache& cache() override { return *cache_; }

 private:
  std::shared_ptr<RedisCache> cache_;
};

std::unique_ptr<CacheHarness> overTcp() {
  return std::make_unique<RedisHarness>(sharedServers().redis().url());
}
std::unique_ptr<CacheHarness> overUnixSocket() {
  return std::make_unique<RedisHarness>(sharedServers().redis().unixUrl() + "?db=3");
}

const auto kCaches =
    ::testing::Values(CacheUnderTest{"Tcp", overTcp}, CacheUnderTest{"UnixSocket", overUnixSocket});

INSTANTIATE_TEST_SUITE_P(Redis, CacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(Redis, FencedCacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(Redis, LivingCacheConformance, kCaches, nameOfCache);

}  // namespace
}  // namespace strata::testing
