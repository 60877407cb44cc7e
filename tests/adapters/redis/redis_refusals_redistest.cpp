// Servers that refuse commands: by an ACL, under another name, or by closing the connection. What
// docs/redis.md says of each command is tried here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "factories/cache_server.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/factories/cache_admin_factory.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::Each;
using ::testing::Eq;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalRedis;
using testing::LocalRedisCluster;
using testing::LocalServers;
using testing::LocalServersOptions;
using ::testing::Not;
using ::testing::Optional;
using testing::StatusIs;

constexpr absl::Duration kLong = absl::Hours(1);
constexpr const char* kTimeouts = "?connect_timeout=10s&command_timeout=10s";
const CircuitBreakerOptions kImpatient{.name = "cache", .open_time = absl::Milliseconds(100)};

Config configFor(const std::string& url) {
  Config config;
  config.app = "shop";
  config.cache_url = url;
  return config;
}

// How to take commands away from a server.
std::vector<std::string> without(const std::vector<std::string>& commands) {
  std::vector<std::string> arguments;
  for (const std::string& command : commands) {
    arguments.insert(arguments.end(), {"--rename-command", command, ""});
  }
  return arguments;
}

class RedisRefusalsTest : public ::testing::Test {
 protected:
  RedisRefusalsTest() {
    spdlog::drop("strata");
    spdlog::register_logger(std::make_shared<spdlog::logger>(
        "strata", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged_)));
  }
  ~RedisRefusalsTest() override { spdlog::drop("strata"); }

  void startWith(LocalServersOptions options) {
    options.redis = true;
    auto started = LocalServers::start(std::move(options));
    ASSERT_OK(started);
    servers_ = *std::move(started);
  }
  void startWithout(const std::vector<std::string>& commands) {
    startWith({.redis_args = without(commands)});
  }
  LocalRedis& redis() { return servers_->redis(); }
  std::string url() { return redis().url() + kTimeouts; }

  // A user who may do everything but that, and its URL.
  std::string urlOfUserWithout(const std::vector<std::string>& commands) {
    std::vector<std::string> rules{"ACL", "SETUSER", "user", "reset", "on",
                                   ">p",  "~*",      "&*",   "+@all"};
    for (const std::string& command : commands) rules.push_back("-" + command);
    EXPECT_OK(redis().command(rules));
    return "redis://user:p@127.0.0.1:" + std::to_string(redis().port()) + kTimeouts;
  }
  std::size_t countLogged(const std::string& event) const {
    const std::string text = logged_.str();
    std::size_t count = 0;
    for (std::size_t at = text.find(event); at != std::string::npos;
         at = text.find(event, at + 1)) {
      ++count;
    }
    return count;
  }

  static std::shared_ptr<RedisCache> cacheOf(const std::string& url) {
    return RedisCache::create({.url = url}).value();
  }
  static absl::StatusOr<LeaseReply> lease(Cache& cache, std::string_view key) {
    const LeaseRequest request{key, "L"};
    return cache.getOrLease({&request, 1}, kLong).front();
  }
  static absl::StatusOr<bool> fill(Cache& cache, std::string_view key) {
    const CompareAndSet request{key, "L", "value", kLong, {}};
    return cache.compareAndSet({&request, 1}).front();
  }
  // All that stores do with a cache.
  static void expectThatItWorks(Cache& cache) {
    EXPECT_OK(cache.ping());
    EXPECT_EQ(cache.healthCheck().state, HealthState::kPass);
    std::vector<std::string> keys;
    std::vector<LeaseRequest> leases;
    keys.reserve(40);
    for (int i = 0; i < 40; ++i) keys.push_back("shop:" + std::to_string(i));
    for (const std::string& key : keys) leases.push_back({key, "L"});
    for (const std::size_t count : {1UL, 8UL, 40UL}) {  // each is read in another way
      for (const bool is_new : {true, false, false}) {
        for (const auto& reply : cache.getOrLease({leases.data(), count}, kLong)) {
          ASSERT_OK(reply);
          EXPECT_EQ(reply->leased, is_new);
        }
      }
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_THAT(fill(cache, keys[i]), IsOkAndHolds(true));
        EXPECT_THAT(cache.get(keys[i]), IsOkAndHolds(Optional(std::string("value"))));
      }
      EXPECT_OK(cache.remove(keys));
      EXPECT_THAT(cache.getMany(keys), Each(IsOkAndHolds(Eq(std::nullopt))));
    }
    EXPECT_OK(cache.set(keys[0], "x", kLong));
    EXPECT_OK(cache.remove(keys));
  }
  static void expectThatItLimits(const std::string& url) {
    ASSERT_OK_AND_ASSIGN(
        const auto limiter,
        createRateLimiter(configFor(url),
                          {.limit = {.name = "search", .limit = 2, .window = kLong}}));
    for (int i = 0; i < 4; ++i) {
      ASSERT_OK_AND_ASSIGN(const RateLimitDecision decision, limiter->check("alice"));
      EXPECT_EQ(decision.allowed, i < 2);
      EXPECT_FALSE(decision.degraded);
    }
    EXPECT_EQ(limiter->healthCheck().state, HealthState::kPass) << limiter->healthCheck().error;
  }
  static void expectThatItCarriesEvents(const std::string& url) {
    ASSERT_OK_AND_ASSIGN(const auto here, createEventHub(configFor(url)));
    ASSERT_OK_AND_ASSIGN(const auto there, createEventHub(configFor(url)));
    const EventChannel channel("orders", Id("7"));
    ASSERT_OK_AND_ASSIGN(const auto subscription, there->subscribe(channel));
    ASSERT_OK(subscription->waitUntilLive(Deadline::in(absl::Seconds(20))));
    ASSERT_OK(here->publish(channel, "paid", Json()));
    ASSERT_OK_AND_ASSIGN(const EventDelivery delivery,
                         subscription->next(Deadline::in(absl::Seconds(20))));
    ASSERT_NE(delivery.event, nullptr);
    EXPECT_EQ(delivery.event->name, "paid");
    EXPECT_EQ(here->healthCheck().state, HealthState::kPass) << here->healthCheck().error;
  }
  // That it is told at the start, and of a client that lives already by its health.
  static void expectThatTheCacheIsRefused(const std::string& url, StatusCode code) {
    EXPECT_THAT(internal::openCache({.config = configFor(url)}, kImpatient), StatusIs(code));
    EXPECT_EQ(cacheOf(url)->healthCheck().state, HealthState::kFail);
  }

  std::ostringstream logged_;
  std::unique_ptr<LocalServers> servers_;
};

// ---- INFO ----

TEST_F(RedisRefusalsTest, WithoutInfoUnderItsNameAllWorksButTheListing) {
  startWithout({"INFO"});
  const auto cache = cacheOf(url());
  expectThatItWorks(*cache);
  EXPECT_FALSE(cache->capabilities().incarnation);
  EXPECT_EQ(cache->incarnation(), Incarnation{});
  EXPECT_THAT(cache->scan("shop:", ""),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("INFO")));
  expectThatItLimits(url());
  expectThatItCarriesEvents(url());
}

TEST_F(RedisRefusalsTest, WhatIsLostWithoutInfoIsToldOncePerClient) {
  startWith({});
  const std::string url = urlOfUserWithout({"info"});
  const auto cache = cacheOf(url);
  expectThatItWorks(*cache);
  EXPECT_EQ(countLogged("strata.redis.info_refused"), 1U);
  EXPECT_EQ(countLogged("an ACL forbids it"), 1U);
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(redis().command({"CLIENT", "KILL", "TYPE", "normal"}));
    EXPECT_TRUE(eventually([&] { return cache->ping().ok(); }));
  }
  // It is allowed, and forbidden again.
  ASSERT_OK(redis().command({"ACL", "SETUSER", "user", "+info"}));
  ASSERT_OK(redis().command({"CLIENT", "KILL", "TYPE", "normal"}));
  EXPECT_TRUE(eventually([&] { return cache->ping().ok() && cache->capabilities().incarnation; }));
  ASSERT_OK(redis().command({"ACL", "SETUSER", "user", "-info"}));
  ASSERT_OK(redis().command({"CLIENT", "KILL", "TYPE", "normal"}));
  EXPECT_TRUE(eventually([&] { return cache->ping().ok() && !cache->capabilities().incarnation; }));
  EXPECT_EQ(countLogged("strata.redis.info_refused"), 1U);
}

TEST_F(RedisRefusalsTest, WhatIsLostWithoutInfoIsToldOnceForAllNodesOfACluster) {
  const auto cluster = LocalRedisCluster::start({.redis_args = without({"INFO"})}).value();
  const auto cache = RedisCache::create({.url = cluster->url(),
                                         .connect_timeout = absl::Seconds(10),
                                         .command_timeout = absl::Seconds(10)})
                         .value();
  expectThatItWorks(*cache);
  EXPECT_EQ(countLogged("strata.redis.info_refused"), 1U);
}

// ---- A proxy that closes the connection ----

class TwemproxyTest : public RedisRefusalsTest {
 protected:
  TwemproxyTest() { startWith({.twemproxy = true}); }
  std::string proxyUrl(const std::string& database = "") {
    return servers_->twemproxy().url() + database + kTimeouts;
  }
};

TEST_F(TwemproxyTest, CachesAndLimitsThoughItClosesTheConnectionAtInfo) {
  const auto cache = cacheOf(proxyUrl());
  expectThatItWorks(*cache);
  EXPECT_FALSE(cache->capabilities().incarnation);
  EXPECT_EQ(countLogged("strata.redis.info_refused"), 1U);
  EXPECT_EQ(countLogged("the connection is closed at it"), 1U);
  EXPECT_THAT(cache->scan("shop:", ""),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("INFO")));
  expectThatItLimits(proxyUrl());
}

TEST_F(TwemproxyTest, WhatItClosesAtIsFoundOutOnce) {
  const auto cache = cacheOf(proxyUrl());
  ASSERT_OK(cache->ping());
  ASSERT_OK(servers_->twemproxy().restart());
  EXPECT_TRUE(eventually([&] { return cache->ping().ok(); }));
  expectThatItWorks(*cache);
  EXPECT_EQ(countLogged("strata.redis.info_refused"), 1U);
}

TEST_F(TwemproxyTest, ThatDoesNotReachItsServerIsDownThoughItAnswersPing) {
  const auto cache = cacheOf(proxyUrl());
  ASSERT_OK(cache->ping());
  ASSERT_OK(redis().kill());
  EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(cache->get("a"), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(cache->healthCheck().state, HealthState::kFail);
  ASSERT_OK(redis().start());
  EXPECT_TRUE(eventually([&] { return cache->ping().ok(); }));
}

TEST_F(TwemproxyTest, HasNoDatabasesButTheFirst) {
  EXPECT_THAT(internal::openCache({.config = configFor(proxyUrl("/2"))}, kImpatient),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("SELECT")));
}

TEST_F(TwemproxyTest, CarriesNoEventsAndTheHubSaysSo) {
  EXPECT_THAT(createEventHub(configFor(proxyUrl())), StatusIs(StatusCode::kUnavailable));
  ASSERT_OK_AND_ASSIGN(const auto hub,
                       createEventHub(configFor(proxyUrl()), {.require_connection = false}));
  EXPECT_EQ(hub->healthCheck().state, HealthState::kWarn);
}

// A server that closes connections because it is stopping and starting is asked INFO again.
TEST_F(RedisRefusalsTest, AServerThatJustRestartsIsNotTakenForOneThatRefusesInfo) {
  startWith({.proxied = true});
  const auto cache = cacheOf(url());
  for (int i = 1; i <= 6; ++i) {
    // A connection is accepted and closed before it is answered, once or several times in a row.
    redis().proxy()->setMode(testing::TcpProxy::Mode::kRefuse);
    for (int n = 0; n < i; ++n) cache->ping().IgnoreError();
    redis().proxy()->heal();
    EXPECT_TRUE(eventually([&] { return cache->ping().ok(); }));
    EXPECT_TRUE(cache->capabilities().incarnation);
  }
  EXPECT_EQ(countLogged("strata.redis.info_refused"), 0U);
}

// ---- Other commands ----

TEST_F(RedisRefusalsTest, ReadsOfManyKeysDoWithoutGetexAndTransactions) {
  startWithout({"GETEX", "MULTI", "EXEC"});
  const auto cache = cacheOf(url());
  expectThatItWorks(*cache);
  EXPECT_TRUE(cache->capabilities().incarnation);
  expectThatItWorks(*cacheOf(urlOfUserWithout({"getex"})));
  expectThatItWorks(*cacheOf(urlOfUserWithout({"multi"})));
}

TEST_F(RedisRefusalsTest, WithoutScanOnlyTheListingIsRefused) {
  startWith({});
  const auto cache = cacheOf(urlOfUserWithout({"scan"}));
  expectThatItWorks(*cache);
  EXPECT_THAT(cache->scan("shop:", ""), StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(RedisRefusalsTest, WithoutExistsOnlyFillsWithoutALeaseAreRefused) {
  startWith({});
  const auto cache = cacheOf(urlOfUserWithout({"exists"}));
  expectThatItWorks(*cache);
  const CompareAndSet whatever{"shop:a", "", "value", kLong, {}};
  EXPECT_THAT(cache->compareAndSet({&whatever, 1}).front(),
              StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(RedisRefusalsTest, WithoutGetNothingIsReadWhileTheServerCannotWrite) {
  startWith({});
  const auto cache = cacheOf(urlOfUserWithout({"get"}));
  expectThatItWorks(*cache);
  ASSERT_OK(cache->set("shop:a", "x", kLong));
  ASSERT_OK(redis().command({"CONFIG", "SET", "maxmemory", "1"}));
  EXPECT_THAT(lease(*cache, "shop:a"), StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(RedisRefusalsTest, WithoutUnsubscribeTheEndOfASubscriptionCostsTheOthersAGap) {
  startWith({});
  const Config config = configFor(urlOfUserWithout({"unsubscribe"}));
  const auto here = createEventHub(config).value();
  const auto there = createEventHub(config).value();
  const EventChannel channel("orders", Id("7"));
  ASSERT_OK_AND_ASSIGN(const auto stays, there->subscribe(channel));
  ASSERT_OK_AND_ASSIGN(auto goes, there->subscribe(EventChannel("orders", Id("8"))));
  ASSERT_OK(stays->waitUntilLive(Deadline::in(absl::Seconds(20))));
  ASSERT_OK(goes->waitUntilLive(Deadline::in(absl::Seconds(20))));
  goes.reset();
  ASSERT_OK_AND_ASSIGN(const EventDelivery gap, stays->next(Deadline::in(absl::Seconds(20))));
  EXPECT_EQ(gap.event, nullptr);
  ASSERT_OK(here->publish(channel, "paid", Json()));
  ASSERT_OK_AND_ASSIGN(const EventDelivery paid, stays->next(Deadline::in(absl::Seconds(20))));
  EXPECT_NE(paid.event, nullptr);
}

TEST_F(RedisRefusalsTest, CachesAndLimitersDoWithoutPing) {
  startWith({});
  const std::string url = urlOfUserWithout({"ping"});
  expectThatItWorks(*cacheOf(url));
  expectThatItLimits(url);
}

struct Needed {
  const char* command;
  bool by_cache;
  bool by_limiter;
  bool by_hub;
};
const std::vector<Needed>& needed() {
  static const std::vector<Needed> all{
      {"evalsha", true, true, false},    {"set", true, false, false},
      {"mget", true, false, false},      {"unlink", true, false, false},
      {"exists", false, false, false},   {"time", false, true, false},
      {"zadd", false, true, false},      {"zcard", false, true, false},
      {"zrange", false, true, false},    {"zremrangebyscore", false, true, false},
      {"pexpire", false, true, false},   {"publish", false, false, true},
      {"subscribe", false, false, true}, {"del", false, false, true}};
  return all;
}

// All limits were off, and nothing was wrong.
// B-33
TEST_F(RedisRefusalsTest, ACommandThatAComponentCannotDoWithoutIsMissedAtTheStart) {
  startWith({});
  for (const Needed& one : needed()) {
    SCOPED_TRACE(one.command);
    const Backends backends{.config = configFor(urlOfUserWithout({one.command}))};
    const auto ok = [](const absl::Status& status) { return status.ok(); };
    const auto denied = [](const absl::Status& status) { return absl::IsPermissionDenied(status); };
    const auto cache = internal::openCache(backends, kImpatient).status();
    const auto limiter = createRateLimiter(backends, {.limit = {.name = "search"}}).status();
    const auto hub = createEventHub(backends).status();
    EXPECT_TRUE(one.by_cache ? denied(cache) : ok(cache)) << cache;
    EXPECT_TRUE(one.by_limiter ? denied(limiter) : ok(limiter)) << limiter;
    EXPECT_TRUE(one.by_hub ? denied(hub) : ok(hub)) << hub;
  }
}

TEST_F(RedisRefusalsTest, ACommandThatTheServerDoesNotKnowIsMissedAtTheStart) {
  startWithout({"EVAL", "EVALSHA", "PUBLISH"});
  const Backends backends{.config = configFor(url())};
  const auto missed = StatusIs(StatusCode::kFailedPrecondition, HasSubstr("does not know"));
  EXPECT_THAT(internal::openCache(backends, kImpatient), missed);
  EXPECT_THAT(createRateLimiter(backends, {.limit = {.name = "search"}}), missed);
  EXPECT_EQ(cacheOf(url())->healthCheck().state, HealthState::kFail);
}

// An ACL that is changed under a client that lives.
TEST_F(RedisRefusalsTest, WhatIsForbiddenLaterIsSeenByHealth) {
  startWith({});
  const Config config = configFor(urlOfUserWithout({}));
  const auto forbid = [&](const std::string& command) {
    ASSERT_OK(redis().command({"ACL", "SETUSER", "user", "-" + command}));
  };
  const auto cache = internal::openCache({.config = config}, kImpatient).value();
  const auto limiter = createRateLimiter(config, {.limit = {.name = "search"}}).value();
  const auto hub = createEventHub(config).value();
  EXPECT_EQ(cache->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(limiter->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(hub->healthCheck().state, HealthState::kPass);
  forbid("publish");
  forbid("unlink");
  forbid("zadd");
  for (const Health& health : {cache->healthCheck(), limiter->healthCheck(), hub->healthCheck()}) {
    EXPECT_NE(health.state, HealthState::kPass) << health.component;
    EXPECT_THAT(health.error, HasSubstr("ACL")) << health.component;
  }
}

TEST_F(RedisRefusalsTest, AKeyOutsideOfTheUsersPatternIsToldApartFromACommand) {
  startWith({});
  ASSERT_OK(redis().command({"ACL", "SETUSER", "user", "on", ">p", "~shop:*", "&shop:*", "+@all"}));
  const std::string url = "redis://user:p@127.0.0.1:" + std::to_string(redis().port()) + kTimeouts;
  EXPECT_OK(internal::openCache({.config = configFor(url)}, kImpatient));
  Config other = configFor(url);
  other.app = "other";
  EXPECT_THAT(internal::openCache({.config = other}, kImpatient),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("key or the channel")));
  EXPECT_THAT(createRateLimiter(other, {.limit = {.name = "search"}}),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("key or the channel")));
  // A client that is told no key of its own does not know which keys it will be asked for.
  EXPECT_OK(cacheOf(url)->ping());
}

TEST_F(RedisRefusalsTest, ADatabaseThatCannotBeChosenIsSaid) {
  startWithout({"SELECT"});
  EXPECT_THAT(cacheOf(redis().url() + "/2" + kTimeouts)->ping(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("SELECT")));
  EXPECT_OK(cacheOf(url())->ping());
}

// ---- The ACL of the documentation ----

// The words of the lines that begin with "ACL SETUSER" and with spaces after it.
std::vector<std::string> documentedAcl(const std::string& page) {
  std::ifstream file(std::string(STRATA_DOCS) + "/" + page);
  std::vector<std::string> words;
  for (std::string line; std::getline(file, line);) {
    const bool goes_on = !words.empty() && line.starts_with(' ');
    if (!line.starts_with("ACL SETUSER") && !goes_on) {
      if (!words.empty()) break;
      continue;
    }
    std::istringstream text(line);
    for (std::string word; text >> word;) words.push_back(word);
  }
  return words;
}

TEST_F(RedisRefusalsTest, TheAclOfItsPageIsEnoughForEveryComponent) {
  startWith({});
  const std::vector<std::string> acl = documentedAcl("redis.md");
  ASSERT_GT(acl.size(), 10U);
  ASSERT_OK(redis().command(acl));
  const std::string url =
      "redis://app:password@127.0.0.1:" + std::to_string(redis().port()) + "/1" + kTimeouts;
  const auto cache = internal::openCache({.config = configFor(url)}, kImpatient).value();
  expectThatItWorks(*cache);
  EXPECT_TRUE(cache->capabilities().incarnation);
  expectThatItLimits(url);
  expectThatItCarriesEvents(url);
  ASSERT_OK(cache->set("shop:a:b:c", "x", kLong));
  CacheAdmin admin = createCacheAdmin({.config = configFor(url)}).value();
  const InvalidationReport report = admin.invalidateApp();
  EXPECT_OK(report.status);
  EXPECT_GE(report.removed, 1U);
  EXPECT_EQ(countLogged("info_refused"), 0U);
}

// With what the page about clusters adds.
class RedisClusterRefusalsTest : public RedisRefusalsTest {
 protected:
  static void SetUpTestSuite() { the_cluster = LocalRedisCluster::start().value(); }
  static void TearDownTestSuite() { the_cluster.reset(); }
  static void tellAll(const std::vector<std::string>& command) {
    for (std::size_t i = 0; i < the_cluster->size(); ++i) {
      ASSERT_OK(the_cluster->node(i).command(command));
    }
  }
  // The URL of the user of the documentation, who may not do that.
  static std::string urlWithout(const std::vector<std::string>& rules) {
    tellAll({"ACL", "SETUSER", "app", "reset"});
    tellAll(documentedAcl("redis.md"));
    tellAll(documentedAcl("redis_cluster.md"));
    std::vector<std::string> command{"ACL", "SETUSER", "app"};
    for (const std::string& rule : rules) command.push_back("-" + rule);
    tellAll(command);
    const std::string url = the_cluster->url();
    const std::string_view scheme = "redis+cluster://";
    return std::string(scheme) + "app:password@" + url.substr(scheme.size()) + kTimeouts;
  }

  inline static std::unique_ptr<LocalRedisCluster> the_cluster;
};

TEST_F(RedisClusterRefusalsTest, TheAclsOfThePagesAreEnoughForEveryComponent) {
  const std::string url = urlWithout({});
  const auto cache = internal::openCache({.config = configFor(url)}, kImpatient).value();
  expectThatItWorks(*cache);
  expectThatItLimits(url);
  expectThatItCarriesEvents(url);
  ASSERT_OK(cache->set("shop:a:b:c", "x", kLong));
  CacheAdmin admin = createCacheAdmin({.config = configFor(url)}).value();
  const InvalidationReport report = admin.invalidateApp();
  EXPECT_OK(report.status);
  EXPECT_GE(report.removed, 1U);
  // While a slot moves, too.
  ASSERT_OK_AND_ASSIGN(const int slot, the_cluster->slotOf("shop:a:b:c"));
  ASSERT_OK_AND_ASSIGN(const std::size_t owner, the_cluster->ownerOf(slot));
  ASSERT_OK(the_cluster->beginMove(slot, (owner + 1) % the_cluster->size()));
  EXPECT_OK(cache->set("shop:a:b:c", "x", kLong));
  ASSERT_OK(the_cluster->endMove(slot, (owner + 1) % the_cluster->size()));
}

TEST_F(RedisClusterRefusalsTest, WithoutTheMapOfSlotsItIsRefusedAtTheStart) {
  const std::string url = urlWithout({"cluster|slots"});
  EXPECT_THAT(internal::openCache({.config = configFor(url)}, kImpatient),
              StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(createRateLimiter(configFor(url), {.limit = {.name = "search"}}),
              StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(createEventHub(configFor(url)), StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(RedisClusterRefusalsTest, WithoutTheListOfNodesOnlyTheListingIsRefused) {
  const auto cache = cacheOf(urlWithout({"cluster|nodes"}));
  EXPECT_OK(cache->ping());
  EXPECT_THAT(cache->scan("shop:", ""), StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(RedisClusterRefusalsTest, WithoutTheStateOfTheClusterTheHubWorks) {
  expectThatItCarriesEvents(urlWithout({"cluster|info"}));
}

TEST_F(RedisClusterRefusalsTest, WithoutGetTheCacheIsRefusedAtTheStart) {
  EXPECT_THAT(internal::openCache({.config = configFor(urlWithout({"get"}))}, kImpatient),
              StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(RedisClusterRefusalsTest, WithoutAskingKeysOfASlotThatMovesAreRefused) {
  const auto cache = cacheOf(urlWithout({"asking"}));
  const std::string key = "shop:moving";
  ASSERT_OK_AND_ASSIGN(const int slot, the_cluster->slotOf(key));
  ASSERT_OK_AND_ASSIGN(const std::size_t owner, the_cluster->ownerOf(slot));
  ASSERT_OK(the_cluster->beginMove(slot, (owner + 1) % the_cluster->size()));
  EXPECT_THAT(cache->set(key, "x", kLong), Not(IsOk()));
  ASSERT_OK(the_cluster->endMove(slot, (owner + 1) % the_cluster->size()));
  EXPECT_OK(cache->set(key, "x", kLong));
}

}  // namespace
}  // namespace strata
