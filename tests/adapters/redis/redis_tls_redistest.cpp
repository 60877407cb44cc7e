// RedisCache over TLS: whom it trusts, what it says where it does not, and that it tells no secret.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/servers/local_sentinel.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::AllOf;
using ::testing::AnyOf;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalRedis;
using testing::LocalRedisCluster;
using testing::LocalSentinel;
using testing::LocalServers;
using testing::LocalServersOptions;
using ::testing::Not;
using ::testing::Optional;
using testing::ServerCertificate;
using testing::StatusIs;
using testing::TcpProxy;

constexpr absl::Duration kLong = absl::Hours(1);
constexpr const char* kSecret = "hunter2";

class RedisTlsTest : public ::testing::Test {
 protected:
  RedisTlsTest() {
    spdlog::drop("strata");
    spdlog::register_logger(std::make_shared<spdlog::logger>(
        "strata", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged_)));
  }
  ~RedisTlsTest() override {
    spdlog::drop("strata");
    EXPECT_THAT(logged_.str(), Not(HasSubstr(kSecret)));
  }

  LocalServersOptions tls() {
    return {.redis = true, .redis_password = kSecret, .redis_tls = true};
  }
  void startWith(LocalServersOptions options) {
    auto started = LocalServers::start(std::move(options));
    ASSERT_OK(started);
    servers_ = *std::move(started);
  }
  LocalRedis& redis() { return servers_->redis(); }

  std::shared_ptr<RedisCache> cacheOf(const std::string& url, TlsOptions files,
                                      absl::Duration timeout = absl::Seconds(5)) {
    return RedisCache::create({.url = url,
                               .connect_timeout = timeout,
                               .command_timeout = timeout,
                               .tls = std::move(files)})
        .value();
  }
  TlsOptions trusted() { return {.ca_file = servers_->certificates().caFile()}; }

  // B-33: a clear error when connecting, health says so, and no secret is printed.
  template <typename Matcher>
  void expectRefused(RedisCache& cache, Matcher refused) {
    EXPECT_THAT(cache.ping(), refused);
    EXPECT_THAT(cache.ping(), StatusIs(::testing::_, Not(HasSubstr(kSecret))));
    EXPECT_THAT(cache.get("a"), Not(IsOk()));
    EXPECT_THAT(cache.set("a", "x", kLong), Not(IsOk()));
    const Health health = cache.healthCheck();
    EXPECT_EQ(health.state, HealthState::kFail);
    EXPECT_THAT(health.error, AllOf(Not(HasSubstr(kSecret)), HasSubstr("redis at")));
  }
  static auto denied(const char* why) {
    return StatusIs(StatusCode::kPermissionDenied, AllOf(HasSubstr("TLS"), HasSubstr(why)));
  }

  std::ostringstream logged_;
  std::unique_ptr<LocalServers> servers_;
};

// B-33
TEST_F(RedisTlsTest, ACertificateOfAStrangeAuthorityIsRefused) {
  startWith(tls());
  const auto cache = cacheOf(redis().url(), {.ca_file = servers_->certificates().otherCaFile()});
  expectRefused(*cache, denied("certificate is refused"));
  // Nor does the system trust it.
  expectRefused(*cacheOf(redis().url(), {}), denied("certificate is refused"));
}

// B-33
TEST_F(RedisTlsTest, ACertificateForAnotherHostIsRefused) {
  auto options = tls();
  options.redis_certificate = ServerCertificate::kOtherHost;
  startWith(options);
  expectRefused(*cacheOf(redis().url(), trusted()), denied("certificate is refused"));
}

// B-33
TEST_F(RedisTlsTest, AnExpiredCertificateIsRefused) {
  auto options = tls();
  options.redis_certificate = ServerCertificate::kExpired;
  startWith(options);
  expectRefused(*cacheOf(redis().url(), trusted()), denied("expired"));
}

// B-33
TEST_F(RedisTlsTest, AServerThatAsksForACertificateRefusesWhoHasNone) {
  auto options = tls();
  options.redis_asks_for_certificate = true;
  startWith(options);
  expectRefused(*cacheOf(redis().url(), trusted()), denied("wants another certificate"));
  TlsOptions files = trusted();
  files.certificate_file = servers_->certificates().clientCertificateFile();
  files.private_key_file = servers_->certificates().clientKeyFile();
  EXPECT_OK(cacheOf(redis().url(), files)->ping());
}

// B-33
TEST_F(RedisTlsTest, TlsToAPlainPortSaysThatItIsAboutTls) {
  startWith({.redis = true, .redis_password = kSecret});
  const auto others = LocalServers::start({.redis = true, .redis_tls = true}).value();
  const std::string url = "rediss://:hunter2@127.0.0.1:" + std::to_string(redis().port());
  // By chance the server finds a whole line in our greeting and complains, or waits for more.
  for (int i = 0; i < 4; ++i) {
    const auto cache =
        cacheOf(url, {.ca_file = others->certificates().caFile()}, absl::Milliseconds(200));
    expectRefused(*cache, StatusIs(AnyOf(StatusCode::kUnavailable, StatusCode::kDeadlineExceeded),
                                   HasSubstr("TLS")));
  }
}

// B-33
TEST_F(RedisTlsTest, APlainConnectionToATlsPortIsUnavailable) {
  startWith(tls());
  const std::string url = "redis://:hunter2@127.0.0.1:" + std::to_string(redis().port());
  expectRefused(*cacheOf(url, {}), StatusIs(StatusCode::kUnavailable));
}

TEST_F(RedisTlsTest, FilesThatCannotBeReadAreNamedBeforeAnyConnection) {
  const auto created = [](TlsOptions files) {
    return RedisCache::create({.url = "rediss://:hunter2@localhost", .tls = std::move(files)});
  };
  EXPECT_THAT(created({.ca_file = "/no/ca.pem"}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("/no/ca.pem"), Not(HasSubstr(kSecret)))));
  EXPECT_THAT(created({.certificate_file = "/no/client.pem", .private_key_file = "/no/key.pem"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("/no/client.pem")));
  EXPECT_THAT(created({.certificate_file = "/no/client.pem"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("go together")));
}

TEST_F(RedisTlsTest, AWrongPasswordOverTlsIsPermissionDenied) {
  startWith(tls());
  const std::string url = "rediss://:hunter2wrong@127.0.0.1:" + std::to_string(redis().port());
  expectRefused(*cacheOf(url, trusted()),
                StatusIs(StatusCode::kPermissionDenied, HasSubstr("WRONGPASS")));
}

TEST_F(RedisTlsTest, ValuesOfManyRecordsComeBackWhole) {
  startWith(tls());
  const auto cache = cacheOf(redis().url(), trusted(), absl::Seconds(20));
  for (const std::size_t size : {0UL, 1UL, 16383UL, 16384UL, 16385UL, 5UL << 20}) {
    std::string value(size, '\0');
    for (std::size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 31 >> 3);
    ASSERT_OK(cache->set("a", value, kLong));
    const auto read = cache->get("a");
    ASSERT_OK(read);
    EXPECT_TRUE(*read == value) << size;
  }
}

TEST_F(RedisTlsTest, ManyThreadsShareAnEncryptedConnection) {
  startWith(tls());
  const auto cache = cacheOf(redis().url(), trusted(), absl::Seconds(20));
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&, i] {
        for (int n = 0; n < 50; ++n) {
          const std::string key = std::to_string(i) + "-" + std::to_string(n);
          const std::string value = key + std::string(static_cast<std::size_t>(n * i * 20), '.');
          if (!cache->set(key, value, kLong).ok()) ++wrong;
          const auto read = cache->get(key);
          if (!read.ok() || *read != value) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

// B-26, B-28
TEST_F(RedisTlsTest, ABadNetworkIsNoWorseThanWithoutTls) {
  auto options = tls();
  options.proxied = true;
  startWith(options);
  TcpProxy& proxy = *redis().proxy();
  const auto cache = cacheOf(redis().url(), trusted(), absl::Milliseconds(500));
  ASSERT_TRUE(eventually([&] { return cache->set("a", "x", kLong).ok(); }));

  proxy.setTrickle(TcpProxy::Way::kToClient, true);
  EXPECT_TRUE(eventually([&] { return cache->get("a").ok(); }));
  proxy.heal();
  for (const auto how : {TcpProxy::How::kFin, TcpProxy::How::kReset}) {
    ASSERT_TRUE(eventually([&] { return cache->ping().ok(); }));
    // In the middle of a record. What can be repeated is.
    proxy.cutAfter(TcpProxy::Way::kToClient, 9, how);
    EXPECT_THAT(cache->get("a"), IsOkAndHolds(Optional(std::string("x"))));
  }
  proxy.setMode(TcpProxy::Mode::kSilent);
  EXPECT_THAT(cache->get("a"), Not(IsOk()));
  proxy.heal();
  EXPECT_TRUE(eventually([&] { return cache->ping().ok(); }));
  EXPECT_THAT(cache->get("a"), IsOkAndHolds(Optional(std::string("x"))));
}

// ---- Behind sentinels, and in a cluster ----

constexpr const char* kPatience = "&connect_timeout=10s&command_timeout=10s";

std::string trusting(const std::string& url, const std::string& ca_file) {
  return url + "?ca_file=" + ca_file + kPatience;
}

void expectThatEverythingWorks(const std::string& url) {
  const auto cache = RedisCache::create({.url = url}).value();
  EXPECT_OK(cache->ping());
  for (int i = 0; i < 20; ++i) {
    const std::string key = "shop:" + std::to_string(i);
    EXPECT_OK(cache->set(key, key, kLong));
    EXPECT_THAT(cache->get(key), IsOkAndHolds(Optional(key)));
  }
  Config config;
  config.app = "shop";
  config.cache_url = url;
  ASSERT_OK_AND_ASSIGN(const auto limiter,
                       createRateLimiter(config, {.limit = {.name = "search", .limit = 1}}));
  EXPECT_FALSE(limiter->check("alice")->degraded);
  EXPECT_EQ(limiter->healthCheck().state, HealthState::kPass);
  ASSERT_OK_AND_ASSIGN(const auto here, createEventHub(config));
  ASSERT_OK_AND_ASSIGN(const auto there, createEventHub(config));
  const EventChannel channel("orders", Id("7"));
  ASSERT_OK_AND_ASSIGN(const auto subscription, there->subscribe(channel));
  ASSERT_OK(subscription->waitUntilLive(Deadline::in(absl::Seconds(20))));
  ASSERT_OK(here->publish(channel, "paid", Json()));
  ASSERT_OK_AND_ASSIGN(const EventDelivery delivery,
                       subscription->next(Deadline::in(absl::Seconds(20))));
  EXPECT_NE(delivery.event, nullptr);
}

// B-30
TEST(RedisTlsBehindSentinels, IsSpokenToSentinelsAndMastersAndFollowsAFailover) {
  const auto redis = LocalSentinel::start({.password = kSecret, .tls = true}).value();
  const std::string url = trusting(redis->url(), redis->certificates().caFile());
  EXPECT_THAT(url, ::testing::StartsWith("rediss+sentinel://"));
  expectThatEverythingWorks(url);
  const auto cache = RedisCache::create({.url = url}).value();
  ASSERT_OK(cache->set("a", "before", kLong));
  ASSERT_OK(redis->failOver());
  EXPECT_TRUE(eventually([&] { return cache->set("a", "after", kLong).ok(); }, absl::Seconds(20)));
  EXPECT_THAT((*redis->master())->command({"GET", "a"}), IsOkAndHolds("after"));
}

// B-33
TEST(RedisTlsBehindSentinels, SentinelsOfAStrangeAuthorityAreRefused) {
  const auto redis = LocalSentinel::start({.tls = true}).value();
  const auto cache =
      RedisCache::create({.url = trusting(redis->url(), redis->certificates().otherCaFile())})
          .value();
  EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kPermissionDenied,
                                      AllOf(HasSubstr("sentinel at"), HasSubstr("certificate"))));
}

TEST(RedisTlsInACluster, IsSpokenToEveryNodeAndFollowsAMove) {
  const auto cluster = LocalRedisCluster::start({.password = kSecret, .tls = true}).value();
  const std::string url = trusting(cluster->url(), cluster->certificates().caFile());
  EXPECT_THAT(url, ::testing::StartsWith("rediss+cluster://"));
  expectThatEverythingWorks(url);
  const auto cache = RedisCache::create({.url = url}).value();
  ASSERT_OK(cache->set("a", "before", kLong));
  ASSERT_OK_AND_ASSIGN(const int slot, cluster->slotOf("a"));
  ASSERT_OK_AND_ASSIGN(const std::size_t owner, cluster->ownerOf(slot));
  const std::size_t to = (owner + 1) % cluster->size();
  ASSERT_OK(cluster->beginMove(slot, to));
  EXPECT_OK(cache->set("a", "on the way", kLong));  // here or there
  ASSERT_THAT(cluster->migrateKeys(slot, to), IsOk());
  ASSERT_OK(cluster->endMove(slot, to));
  EXPECT_OK(cache->set("a", "after", kLong));
  EXPECT_THAT(cluster->node(to).command({"GET", "a"}), IsOkAndHolds("after"));
}

// B-33
TEST(RedisTlsInACluster, AStrangeAuthorityAndALoneNodeAreRefused) {
  const auto cluster = LocalRedisCluster::start({.tls = true}).value();
  const auto stranger =
      RedisCache::create({.url = trusting(cluster->url(), cluster->certificates().otherCaFile())})
          .value();
  EXPECT_THAT(stranger->ping(), StatusIs(StatusCode::kPermissionDenied, HasSubstr("certificate")));
  const std::string host = "127.0.0.1:" + std::to_string(cluster->node(0).port());
  const auto lone =
      RedisCache::create({.url = trusting("rediss://" + host, cluster->certificates().caFile())})
          .value();
  EXPECT_THAT(lone->ping(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("rediss+cluster://" + host)));
}

}  // namespace
}  // namespace strata
