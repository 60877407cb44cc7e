#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/conformance/cache_conformance.h"
#include "strata/testing/conformance/fenced_cache_conformance.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/servers/local_sentinel.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::testing {
namespace {

class RedisHarness final : public CacheHarness {
 public:
  explicit RedisHarness(const std::string& url, TlsOptions tls = {})
      // Generous: this is about answers, not about how fast a busy machine gives them.
      : cache_(RedisCache::create({.url = url,
                                   .connect_timeout = absl::Seconds(10),
                                   .command_timeout = absl::Seconds(10),
                                   .tls = std::move(tls)})
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

std::unique_ptr<CacheHarness> overTls() {
  static const auto servers = LocalServers::start({.redis = true, .redis_tls = true}).value();
  return std::make_unique<RedisHarness>(servers->redis().url(),
                                        TlsOptions{.ca_file = servers->certificates().caFile()});
}
std::unique_ptr<CacheHarness> overMutualTls() {
  static const auto servers =
      LocalServers::start({.redis = true, .redis_tls = true, .redis_asks_for_certificate = true})
          .value();
  const TestCertificates& files = servers->certificates();
  return std::make_unique<RedisHarness>(servers->redis().url() + "?ca_file=" + files.caFile() +
                                        "&certificate_file=" + files.clientCertificateFile() +
                                        "&private_key_file=" + files.clientKeyFile());
}

// All that a RedisCache needs of one server, and nothing else. What its scripts call is needed too.
std::unique_ptr<CacheHarness> asAUserThatMayDoNoMore() {
  static const auto servers = [] {
    auto started = LocalServers::start({.redis = true}).value();
    EXPECT_THAT(
        started->redis().command(
            {"ACL",   "SETUSER", "strata", "on",       ">p@ss",     "~conformance:*", "-@all",
             "+info", "+ping",   "+mget",  "+get",     "+getex",    "+multi",         "+exec",
             "+set",  "+unlink", "+eval",  "+evalsha", "+getrange", "+exists",        "+scan"}),
        IsOk());
    return started;
  }();
  return std::make_unique<RedisHarness>("redis://strata:p%40ss@127.0.0.1:" +
                                        std::to_string(servers->redis().port()));
}

std::unique_ptr<CacheHarness> overSentinel() {
  static const auto redis = LocalSentinel::start().value();
  return std::make_unique<RedisHarness>(redis->url());
}
std::unique_ptr<CacheHarness> overCluster() {
  static const auto cluster = LocalRedisCluster::start().value();
  return std::make_unique<RedisHarness>(cluster->url());
}

const auto kCaches = ::testing::Values(
    CacheUnderTest{"Tcp", overTcp}, CacheUnderTest{"UnixSocket", overUnixSocket},
    CacheUnderTest{"Tls", overTls}, CacheUnderTest{"MutualTls", overMutualTls},
    CacheUnderTest{"AclUser", asAUserThatMayDoNoMore}, CacheUnderTest{"Sentinel", overSentinel},
    CacheUnderTest{"Cluster", overCluster});

INSTANTIATE_TEST_SUITE_P(Redis, CacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(Redis, FencedCacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(Redis, LivingCacheConformance, kCaches, nameOfCache);

}  // namespace
}  // namespace strata::testing
