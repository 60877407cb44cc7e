// RedisCache on a master that sentinels watch, on several hosts, and on a cluster, while they
// change. TLS is in redis_tls_redistest.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "strata/adapters/redis/redis_cache.h"
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
using ::testing::Each;
using ::testing::Eq;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalRedis;
using testing::LocalRedisCluster;
using testing::LocalSentinel;
using testing::LocalServers;
using ::testing::Not;
using ::testing::Optional;
using testing::StatusIs;

constexpr absl::Duration kLong = absl::Hours(1);
constexpr absl::Duration kSoon = absl::Seconds(5);
constexpr const char* kSecret = "hunter2";

auto isDown() {
  return StatusIs(AnyOf(StatusCode::kUnavailable, StatusCode::kDeadlineExceeded),
                  Not(HasSubstr(kSecret)));
}
auto holds(const std::string& text) { return IsOkAndHolds(Optional(text)); }

std::shared_ptr<RedisCache> cacheOf(const std::string& url) {
  return RedisCache::create({.url = url,
                             .connect_timeout = absl::Milliseconds(500),
                             .command_timeout = absl::Milliseconds(500)})
      .value();
}

absl::StatusOr<LeaseReply> lease(Cache& cache, std::string_view key) {
  const LeaseRequest request{key, "L"};
  return cache.getOrLease({&request, 1}, kLong).front();
}
absl::StatusOr<bool> fill(Cache& cache, std::string_view key, Incarnation incarnation = {}) {
  const CompareAndSet request{key, "L", "value", kLong, incarnation};
  return cache.compareAndSet({&request, 1}).front();
}
absl::Status removeFrom(Cache& cache, const std::string& key) { return cache.remove({&key, 1}); }

std::string hostOf(const LocalRedis& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

// ---- Sentinels ----

class RedisSentinelTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = LocalSentinel::start({.down_after = absl::Seconds(1), .password = kSecret});
    ASSERT_OK(started);
    the_redis = *std::move(started);
  }
  static void TearDownTestSuite() { the_redis.reset(); }
  void SetUp() override {
    // Whatever the test before has done to them.
    ASSERT_TRUE(eventually([&] { return the_redis->master().ok() && isFollowing(replica()); },
                           absl::Seconds(30)));
    ASSERT_TRUE(eventually([&] { return cache_->set("warm", "up", kLong).ok(); }));
  }
  LocalRedis& master() { return **the_redis->master(); }
  LocalRedis& replica() {
    const auto& servers = the_redis->servers();
    return servers[0].get() == &master() ? *servers[1] : *servers[0];
  }
  bool isFollowing(LocalRedis& server) {
    const std::string info = server.command({"INFO", "replication"}).value_or("");
    return info.find("role:slave") != std::string::npos &&
           info.find("master_port:" + std::to_string(master().port())) != std::string::npos &&
           info.find("master_link_status:up") != std::string::npos;
  }
  void expectRecovery(Cache& cache) {
    EXPECT_TRUE(eventually([&] { return cache.set("a", "x", kLong).ok(); }, absl::Seconds(20)));
    EXPECT_THAT(cache.get("a"), holds("x"));
    EXPECT_EQ(cache.healthCheck().state, HealthState::kPass);
  }

  inline static std::unique_ptr<LocalSentinel> the_redis;
  std::shared_ptr<RedisCache> cache_ = cacheOf(the_redis->url());
};

// Race 29.
// B-28, B-30
TEST_F(RedisSentinelTest, AFailoverIsAnotherLifeAndFillsOfTheOldOneAreRefused) {
  ASSERT_OK(removeFrom(*cache_, "leased"));
  ASSERT_OK_AND_ASSIGN(const LeaseReply before, lease(*cache_, "leased"));
  ASSERT_TRUE(before.leased);
  ASSERT_TRUE(eventually([&] { return replica().command({"GET", "leased"}).value() == "L"; }));
  ASSERT_OK(the_redis->failOver());

  expectRecovery(*cache_);
  EXPECT_NE(cache_->incarnation(), before.incarnation);
  EXPECT_THAT(fill(*cache_, "leased", before.incarnation), IsOkAndHolds(false));
  EXPECT_THAT(master().command({"GET", "leased"}), IsOkAndHolds(Eq("L")));
  ASSERT_OK_AND_ASSIGN(const LeaseReply after, lease(*cache_, "leased"));
  EXPECT_EQ(after.incarnation, cache_->incarnation());
}

// B-25, B-28
TEST_F(RedisSentinelTest, AKilledMasterIsReplacedWithoutARestart) {
  LocalRedis& killed = master();
  ASSERT_OK(killed.kill());
  const MonotonicTime started = Clock::system().now();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(cache_->get("warm"), isDown());
  EXPECT_LT(Clock::system().now() - started, kSoon);
  EXPECT_EQ(cache_->healthCheck().state, HealthState::kFail);
  ASSERT_OK(the_redis->awaitMasterOtherThan(killed.port()));
  expectRecovery(*cache_);
  ASSERT_OK(killed.start());
}

// B-33
TEST_F(RedisSentinelTest, ANameThatTheSentinelsDoNotKnowIsAClearError) {
  std::string url = the_redis->url();
  url.replace(url.rfind('/') + 1, std::string::npos, "nobody");
  const auto cache = cacheOf(url);
  EXPECT_THAT(cache->ping(),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("no master of this name"), Not(HasSubstr(kSecret)))));
  EXPECT_EQ(cache->healthCheck().state, HealthState::kFail);
}

TEST_F(RedisSentinelTest, WithoutSentinelsTheMasterIsUsedButNoNewOneFound) {
  const auto sentinel_fails = [] {
    return StatusIs(AnyOf(StatusCode::kUnavailable, StatusCode::kDeadlineExceeded),
                    AllOf(HasSubstr("sentinel at"), Not(HasSubstr(kSecret))));
  };
  for (const auto& sentinel : the_redis->sentinels()) ASSERT_OK(sentinel->freeze());
  EXPECT_THAT(cacheOf(the_redis->url())->get("warm"), sentinel_fails());
  EXPECT_THAT(cache_->get("warm"), holds("up"));
  for (const auto& sentinel : the_redis->sentinels()) ASSERT_OK(sentinel->resume());

  for (const auto& sentinel : the_redis->sentinels()) ASSERT_OK(sentinel->stop());
  const auto cache = cacheOf(the_redis->url());
  EXPECT_THAT(cache->get("warm"), sentinel_fails());
  EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(cache->healthCheck().state, HealthState::kFail);
  for (const auto& sentinel : the_redis->sentinels()) ASSERT_OK(sentinel->start());
  expectRecovery(*cache);
}

TEST_F(RedisSentinelTest, OneSentinelOfThreeIsEnoughToFindTheMaster) {
  ASSERT_OK(the_redis->sentinels()[0]->freeze());
  ASSERT_OK(the_redis->sentinels()[1]->stop());
  const auto cache = cacheOf(the_redis->url());
  EXPECT_TRUE(eventually([&] { return cache->ping().ok(); }));
  EXPECT_THAT(cache->get("warm"), holds("up"));
  ASSERT_OK(the_redis->sentinels()[0]->resume());
  ASSERT_OK(the_redis->sentinels()[1]->start());
}

// Without sentinels, too.
TEST_F(RedisSentinelTest, OfSeveralHostsTheOneThatIsAMasterIsUsed) {
  const std::string login = std::string("redis://:") + kSecret + "@";
  const std::string hosts[] = {hostOf(replica()) + "," + hostOf(master()),
                               hostOf(master()) + "," + hostOf(replica()),
                               "127.0.0.1:1," + hostOf(master())};
  for (const std::string& each : hosts) {
    const auto cache = cacheOf(login + each);
    EXPECT_OK(cache->ping()) << each;
    EXPECT_THAT(cache->get("warm"), holds("up")) << each;
  }
  const auto only_replica = cacheOf(login + hostOf(replica()) + ",127.0.0.1:1");
  EXPECT_THAT(only_replica->get("warm"), isDown());

  const auto cache = cacheOf(login + hosts[0]);
  ASSERT_OK(cache->ping());
  ASSERT_OK(the_redis->failOver());
  expectRecovery(*cache);
}

// Race 30: demotion closes no connection, and the sentinels have not noticed yet. The last one, for
// they take ten seconds to think well of the servers again.
// B-32
TEST_F(RedisSentinelTest, ADemotedMasterIsRefusedOverALiveConnectionToo) {
  LocalRedis& demoted = master();
  ASSERT_OK(lease(*cache_, "warm"));
  ASSERT_OK(demoted.command({"REPLICAOF", "127.0.0.1", std::to_string(replica().port())}));
  EXPECT_THAT(lease(*cache_, "warm"), StatusIs(StatusCode::kUnavailable, HasSubstr("replica")));
  EXPECT_THAT(cache_->get("warm"), StatusIs(StatusCode::kUnavailable, HasSubstr("replica")));
  ASSERT_OK(demoted.command({"REPLICAOF", "NO", "ONE"}));
  expectRecovery(*cache_);
}

// ---- A cluster ----

class RedisClusterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = LocalRedisCluster::start({.replicas_per_master = 1, .password = kSecret});
    ASSERT_OK(started);
    the_cluster = *std::move(started);
  }
  static void TearDownTestSuite() { the_cluster.reset(); }
  void SetUp() override {
    ASSERT_TRUE(eventually([&] { return cache_->ping().ok(); }, absl::Seconds(30)));
  }
  int slotOf(const std::string& key) { return the_cluster->slotOf(key).value(); }
  std::size_t ownerOf(const std::string& key) { return the_cluster->ownerOf(slotOf(key)).value(); }
  LocalRedis& ownerNode(const std::string& key) { return the_cluster->node(ownerOf(key)); }
  // A master, but not the owner.
  std::size_t another(const std::string& key) {
    for (const char* other : {"foo", "bar", "hello", "a", "b"}) {
      if (ownerOf(other) != ownerOf(key)) return ownerOf(other);
    }
    return 0;
  }
  std::string keysIn(int slot, std::size_t node) {
    return the_cluster->node(node)
        .command({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)})
        .value();
  }

  inline static std::unique_ptr<LocalRedisCluster> the_cluster;
  std::shared_ptr<RedisCache> cache_ = cacheOf(the_cluster->url());
};

TEST_F(RedisClusterTest, AThousandKeysGoToTheMastersThatTheyAreOn) {
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back("key" + std::to_string(i));
  const std::vector<LeaseRequest> leases = [&] {
    std::vector<LeaseRequest> all;
    for (const std::string& key : keys) all.push_back({key, "L"});
    return all;
  }();
  std::vector<CompareAndSet> fills;
  for (const auto& reply : cache_->getOrLease(leases, kLong)) {
    ASSERT_OK(reply);
    ASSERT_TRUE(reply->leased);
    const std::string& key = keys[fills.size()];
    EXPECT_EQ(reply->incarnation, cache_->incarnation(key));
    fills.push_back({key, "L", key, kLong, reply->incarnation});
  }
  EXPECT_THAT(cache_->compareAndSet(fills), Each(IsOkAndHolds(true)));
  EXPECT_THAT(cache_->compareAndSet(fills), Each(IsOkAndHolds(false)));
  const auto values = cache_->getMany(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_THAT(values[i], holds(keys[i]));
  for (const char* key : {"foo", "bar", "hello"}) {  // of the three masters
    EXPECT_THAT(ownerNode(key).command({"DBSIZE"}), IsOkAndHolds(Not(Eq("0"))));
  }
  EXPECT_OK(cache_->remove(keys));
  EXPECT_THAT(cache_->getMany(keys), Each(IsOkAndHolds(Eq(std::nullopt))));
}

// Race 32.
TEST_F(RedisClusterTest, WhileASlotMovesEveryOperationIsRight) {
  const int slot = slotOf("{m}");
  const std::size_t from = ownerOf("{m}");
  const std::size_t to = another("{m}");
  std::vector<std::string> keys;
  for (int i = 0; i < 10; ++i) keys.push_back("{m}" + std::to_string(i));
  for (int i = 0; i < 6; ++i) ASSERT_OK(cache_->set(keys[i], "old", kLong));
  ASSERT_OK(the_cluster->beginMove(slot, to));
  ASSERT_THAT(the_cluster->migrateKeys(slot, to, 3), IsOkAndHolds(3));

  const auto values = cache_->getMany(keys);
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(values[i],
                IsOkAndHolds(Eq(i < 6 ? std::optional<std::string>("old") : std::nullopt)));
    ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache_, keys[i]));
    EXPECT_EQ(reply.leased, i >= 6);
    EXPECT_EQ(reply.found.has_value(), i < 6);
    EXPECT_THAT(fill(*cache_, keys[i]), IsOkAndHolds(i >= 6));
  }
  ASSERT_OK(cache_->set(keys[0], "new", kLong));
  EXPECT_THAT(cache_->get(keys[0]), holds("new"));
  EXPECT_OK(cache_->remove(keys));
  EXPECT_EQ(keysIn(slot, from), "0");
  EXPECT_EQ(keysIn(slot, to), "0");

  ASSERT_OK(cache_->set(keys[0], "x", kLong));
  ASSERT_THAT(the_cluster->migrateKeys(slot, to), IsOk());
  ASSERT_OK(the_cluster->endMove(slot, to));
  EXPECT_THAT(cache_->get(keys[0]), holds("x"));
  EXPECT_OK(removeFrom(*cache_, keys[0]));
}

// Race 32: a removal counts when the owner has acknowledged it.
TEST_F(RedisClusterTest, ARemovalReachesTheNewOwnerOfASlotThatMoved) {
  const std::string key = "{r}key";
  ASSERT_OK(cache_->set(key, "x", kLong));
  ASSERT_OK(the_cluster->moveSlot(slotOf(key), another(key)));
  EXPECT_THAT(ownerNode(key).command({"GET", key}), IsOkAndHolds(Eq("x")));
  EXPECT_OK(removeFrom(*cache_, key));
  EXPECT_THAT(ownerNode(key).command({"GET", key}), IsOkAndHolds(Eq("")));

  ASSERT_OK(cache_->set(key, "x", kLong));
  const std::size_t owner = ownerOf(key);
  ASSERT_OK(the_cluster->node(owner).freeze());
  EXPECT_THAT(removeFrom(*cache_, key), isDown());
  ASSERT_OK(the_cluster->node(owner).resume());
  EXPECT_TRUE(eventually([&] { return removeFrom(*cache_, key).ok(); }, absl::Seconds(20)));
  EXPECT_THAT(ownerNode(key).command({"GET", key}), IsOkAndHolds(Eq("")));
}

// Every master has a life of its own.
TEST_F(RedisClusterTest, AFillForTheLifeOfAnotherMasterIsRefused) {
  const std::string key = "{f}key";
  ASSERT_OK(removeFrom(*cache_, key));
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache_, key));
  ASSERT_TRUE(reply.leased);
  ASSERT_OK(the_cluster->moveSlot(slotOf(key), another(key)));
  EXPECT_THAT(fill(*cache_, key, reply.incarnation), IsOkAndHolds(false));
  EXPECT_THAT(cache_->get(key), holds("L"));
  // The map of slots is asked for again at the next use, but not too often.
  EXPECT_TRUE(eventually(
      [&] { return cache_->get(key).ok() && cache_->incarnation(key) != reply.incarnation; }));
  EXPECT_OK(removeFrom(*cache_, key));
}

// B-28, B-30
TEST_F(RedisClusterTest, AKilledMasterIsReplacedByItsReplicaWithoutARestart) {
  const std::string key = "{k}key";
  ASSERT_OK(removeFrom(*cache_, key));
  ASSERT_OK_AND_ASSIGN(const LeaseReply before, lease(*cache_, key));
  const std::size_t owner = ownerOf(key);
  ASSERT_OK(the_cluster->node(owner).kill());
  const MonotonicTime started = Clock::system().now();
  EXPECT_THAT(cache_->get(key), isDown());
  EXPECT_LT(Clock::system().now() - started, kSoon);
  EXPECT_EQ(cache_->healthCheck().state, HealthState::kFail);
  ASSERT_OK(the_cluster->awaitOwnerOtherThan(slotOf(key), owner));
  EXPECT_TRUE(eventually([&] { return cache_->get(key).ok(); }, absl::Seconds(20)));
  EXPECT_THAT(fill(*cache_, key, before.incarnation), IsOkAndHolds(false));
  EXPECT_TRUE(eventually([&] { return cache_->ping().ok(); }, absl::Seconds(20)));
  EXPECT_NE(cache_->incarnation(key), before.incarnation);
  ASSERT_OK(the_cluster->node(owner).start());
}

TEST_F(RedisClusterTest, ASlotThatNobodyServesIsUnavailable) {
  const std::string slot = std::to_string(slotOf("{d}"));
  const std::size_t owner = ownerOf("{d}");
  ASSERT_OK(cache_->set("{d}", "x", kLong));
  for (std::size_t i = 0; i < the_cluster->size(); ++i) {
    ASSERT_OK(the_cluster->node(i).command({"CLUSTER", "DELSLOTS", slot}));
  }
  EXPECT_TRUE(eventually([&] { return absl::IsUnavailable(cache_->get("{d}").status()); }));
  EXPECT_THAT(lease(*cache_, "{d}"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(removeFrom(*cache_, "{d}"), StatusIs(StatusCode::kUnavailable));
  ASSERT_OK(the_cluster->node(owner).command({"CLUSTER", "ADDSLOTS", slot}));
  EXPECT_TRUE(eventually([&] { return cache_->get("{d}").ok(); }, absl::Seconds(20)));
}

// B-25
TEST_F(RedisClusterTest, WithoutAnyNodeItIsUnavailableAtOnce) {
  const auto cache = cacheOf("redis+cluster://:hunter2@127.0.0.1:1,127.0.0.1:2");
  for (int i = 0; i < 3; ++i) EXPECT_THAT(cache->get("a"), isDown());
  EXPECT_EQ(cache->healthCheck().state, HealthState::kFail);
}

// B-33
TEST(RedisDeployments, TheWrongKindOfServerIsAClearError) {
  const auto servers = LocalServers::start({.redis = true}).value();
  const std::string host = hostOf(servers->redis());
  EXPECT_THAT(cacheOf("redis+cluster://" + host)->ping(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("redis://")));
  EXPECT_THAT(cacheOf("redis+sentinel://" + host + "/m")->ping(),
              StatusIs(::testing::_, HasSubstr("sentinel at")));
  EXPECT_OK(cacheOf(servers->redis().unixUrl())->ping());
}

}  // namespace
}  // namespace strata
