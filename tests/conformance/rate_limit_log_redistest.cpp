#include "strata/adapters/redis/redis_rate_limit_log.h"
#include "strata/testing/conformance/rate_limit_log_conformance.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::testing {
namespace {

class RedisHarness final : public RateLimitLogHarness {
 public:
  explicit RedisHarness(const std::string& url)
      // Generous: this is about answers, not about how fast a busy machine gives them.
      : log_(RedisRateLimitLog::create({.url = url,
                                        .connect_timeout = absl::Seconds(10),
                                        .command_timeout = absl::Seconds(10)})
                 .value()) {}
  RateLimitLog& log() override { return *log_; }

 private:
  std::shared_ptr<RedisRateLimitLog> log_;
};

std::unique_ptr<RateLimitLogHarness> overTcp() {
  return std::make_unique<RedisHarness>(sharedServers().redis().url());
}

std::unique_ptr<RateLimitLogHarness> overCluster() {
  static const auto cluster = LocalRedisCluster::start().value();
  return std::make_unique<RedisHarness>(cluster->url());
}

// All that a RedisRateLimitLog needs of a server, and nothing else.
std::unique_ptr<RateLimitLogHarness> asAUserThatMayDoNoMore() {
  static const auto servers = [] {
    auto started = LocalServers::start({.redis = true}).value();
    EXPECT_THAT(
        started->redis().command({"ACL", "SETUSER", "strata", "on", ">p@ss", "~conformance:*",
                                  "-@all", "+info", "+ping", "+eval", "+evalsha", "+time",
                                  "+zremrangebyscore", "+zcard", "+zrange", "+zadd", "+pexpire"}),
        IsOk());
    return started;
  }();
  return std::make_unique<RedisHarness>("redis://strata:p%40ss@127.0.0.1:" +
                                        std::to_string(servers->redis().port()));
}

const auto kLogs = ::testing::Values(RateLimitLogUnderTest{"Tcp", overTcp},
                                     RateLimitLogUnderTest{"Cluster", overCluster},
                                     RateLimitLogUnderTest{"AclUser", asAUserThatMayDoNoMore});
INSTANTIATE_TEST_SUITE_P(Redis, RateLimitLogConformance, kLogs, nameOfRateLimitLog);

}  // namespace
}  // namespace strata::testing
