// One node of a cluster that does not serve, and what becomes of the keys of the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/adapters/redis/redis_rate_limit_log.h"
#include "strata/base/circuit_breaker.h"
#include "strata/base/metrics.h"
#include "strata/base/status.h"
#include "strata/cache/guarded_cache.h"
#include "strata/limits/guarded_rate_limit_log.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using testing::LocalRedis;
using testing::LocalRedisCluster;
using ::testing::Optional;
using testing::StatusIs;

using State = CircuitBreaker::State;

constexpr absl::Duration kLong = absl::Hours(1);
// Longer than a breaker stays open.
constexpr absl::Duration kPeriod = absl::Seconds(17);

auto isRefused() { return StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not asked")); }
bool isRefused(const absl::Status& status) {
  return status.message().find("not asked") != std::string::npos;
}

std::string hostOf(const LocalRedis& node) { return "127.0.0.1:" + std::to_string(node.port()); }

// Waits for the server are real, those for breakers and retries are not.
class RedisNodeBreakerTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kDown = 0;

  static void SetUpTestSuite() {
    // No node is thought gone, however long it is silent, and the others serve on without it.
    auto started =
        LocalRedisCluster::start({.node_timeout = absl::Minutes(10),
                                  .redis_args = {"--cluster-require-full-coverage", "no"}});
    ASSERT_OK(started);
    the_cluster = *std::move(started);
  }
  static void TearDownTestSuite() { the_cluster.reset(); }

  void SetUp() override {
    guarded_ = guard(the_cluster->url());
    for (int i = 0; i < 60; ++i) {
      const std::string key = "key" + std::to_string(i);
      const std::size_t owner = the_cluster->ownerOf(the_cluster->slotOf(key).value()).value();
      (owner == kDown ? theirs_ : others_).push_back(key);
      ASSERT_OK(guarded_->set(key, "value", kLong));
    }
    ASSERT_GT(theirs_.size(), 10U);
    ASSERT_GT(others_.size(), 20U);
  }
  void TearDown() override {
    for (std::size_t i = 0; i < the_cluster->size(); ++i) {
      LocalRedis& node = the_cluster->node(i);
      ASSERT_OK(node.frozen() ? node.resume() : absl::OkStatus());
    }
  }

  RedisOptions options(const std::string& url) const {
    return {.url = url,
            .connect_timeout = absl::Milliseconds(300),
            .command_timeout = absl::Milliseconds(300),
            .node_breaker = {.name = "cache", .open_time = open_time_}};
  }
  std::shared_ptr<RedisCache> client(const std::string& url) {
    return RedisCache::create(options(url), clock_, metrics_, executor_).value();
  }
  std::shared_ptr<GuardedCache> guard(const std::string& url) {
    return GuardedCache::create(client(url), {}, metrics_, clock_, executor_).value();
  }

  std::vector<std::string> all() const {
    std::vector<std::string> keys = theirs_;
    keys.insert(keys.end(), others_.begin(), others_.end());
    return keys;
  }
  // How many of so many reads of keys of the node that is down were not refused at once.
  int readsThatAsked(int reads) {
    int asked = 0;
    for (int i = 0; i < reads; ++i) {
      const auto got = guarded_->get(theirs_[i % theirs_.size()]);
      EXPECT_FALSE(got.ok());
      if (!isRefused(got.status())) ++asked;
    }
    return asked;
  }
  void expectHits(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
      EXPECT_THAT(guarded_->get(key), IsOkAndHolds(Optional(std::string("value")))) << key;
    }
  }
  std::int64_t opened(const std::string& breaker) const {
    return metrics_->count("strata_breaker_transitions_total",
                           {{"breaker", breaker}, {"to", "open"}});
  }
  std::int64_t level(const std::string& breaker) const {
    return metrics_->level("strata_breaker_state", {{"breaker", breaker}});
  }
  std::string breakerOf(const LocalRedis& node) const { return "cache@" + hostOf(node); }

  inline static std::unique_ptr<LocalRedisCluster> the_cluster;
  absl::Duration open_time_ = absl::Seconds(15);
  testing::FakeClock clock_;
  std::shared_ptr<testing::FakeExecutor> executor_ =
      std::make_shared<testing::FakeExecutor>(clock_);
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::shared_ptr<GuardedCache> guarded_;
  std::vector<std::string> theirs_;
  std::vector<std::string> others_;
};

// B-26. One breaker counted for all nodes: a success of another node between two failures kept it
// closed, so that reads of the dead node's keys went on waiting; and three such reads in a row opened
// it for as long as the node was down, so that the keys of the others were not cached either.
TEST_F(RedisNodeBreakerTest, AFrozenNodeIsLeftAloneAfterThreeCallsAndNoOther) {
  LocalRedis& down = the_cluster->node(kDown);
  ASSERT_OK(down.freeze());
  int asked = 0;
  for (int i = 0; i < 20; ++i) {
    asked += readsThatAsked(1);
    expectHits({others_[i]});
  }
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(readsThatAsked(30), 0) << "in a row";
  expectHits(others_);
  EXPECT_EQ(guarded_->breaker().status().state, State::kClosed);
  EXPECT_EQ(opened("cache"), 0);
  EXPECT_EQ(opened(breakerOf(down)), 1);
  EXPECT_EQ(level(breakerOf(down)), 1);
  const Health health = guarded_->healthCheck();
  EXPECT_EQ(health.state, HealthState::kFail);
  EXPECT_THAT(health.error, AllOf(HasSubstr("not asked"), HasSubstr(hostOf(down))));

  executor_->advance(kPeriod);
  EXPECT_EQ(opened(breakerOf(down)), 2) << "the probe found it still down";
  EXPECT_EQ(readsThatAsked(10), 0);
  ASSERT_OK(down.resume());
  EXPECT_EQ(readsThatAsked(10), 0) << "no caller probes";
  executor_->advance(kPeriod);
  expectHits(all());
  EXPECT_EQ(level(breakerOf(down)), 0);
  EXPECT_EQ(guarded_->healthCheck().state, HealthState::kPass);
}

TEST_F(RedisNodeBreakerTest, OfACallForManyKeysOnlyThoseOfTheNodeFailAndItWaitsOnce) {
  ASSERT_OK(the_cluster->node(kDown).freeze());
  // Of one that has met no node yet.
  guarded_ = guard(the_cluster->url());
  for (int call = 0; call < 5; ++call) {
    const auto values = guarded_->getMany(all());
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(values[i].ok(), i >= theirs_.size()) << values[i].status();
      EXPECT_EQ(isRefused(values[i].status()), i < theirs_.size() && call >= 3);
    }
  }
  EXPECT_EQ(guarded_->breaker().status().state, State::kClosed);
  EXPECT_EQ(opened(breakerOf(the_cluster->node(kDown))), 1);
}

// One key that could not be deleted held up all pending deletions: they are made 256 at a time, and
// a failed call cleared none of them.
TEST_F(RedisNodeBreakerTest, PendingDeletionsOfTheOtherNodesAreMade) {
  std::vector<std::string> keys = all();
  for (int i = 0; i < 600; ++i) keys.push_back("more" + std::to_string(i));
  std::size_t theirs = 0;
  for (const std::string& key : keys) {
    theirs += the_cluster->ownerOf(the_cluster->slotOf(key).value()).value() == kDown ? 1U : 0U;
  }
  ASSERT_OK(the_cluster->node(kDown).freeze());
  EXPECT_FALSE(guarded_->remove(keys).ok());
  EXPECT_EQ(guarded_->pendingDeletes(), theirs) << "the others are deleted";

  guarded_->breaker().forceOpen();
  EXPECT_THAT(guarded_->removeEach(keys), Each(isRefused()));
  EXPECT_EQ(guarded_->pendingDeletes(), keys.size());
  guarded_->breaker().reset();
  executor_->advance(absl::Seconds(2));
  EXPECT_EQ(guarded_->pendingDeletes(), theirs);
  EXPECT_TRUE(guarded_->owesDeletion(theirs_.front()));
  EXPECT_FALSE(guarded_->owesDeletion(others_.front()));
  EXPECT_EQ(guarded_->breaker().status().state, State::kClosed);

  ASSERT_OK(the_cluster->node(kDown).resume());
  executor_->advance(2 * kPeriod);
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
  EXPECT_THAT(guarded_->get(theirs_.front()), IsOkAndHolds(std::nullopt));
}

// Where most nodes fail it is the cluster that is down: then nothing is asked of any of them.
TEST_F(RedisNodeBreakerTest, WhereMostNodesFailTheBreakerOfTheWholeOpens) {
  for (std::size_t i = 0; i < the_cluster->size(); ++i) {
    ASSERT_OK(the_cluster->node(i).freeze());
  }
  const std::vector<std::string> keys = all();
  int reads = 0;
  while (guarded_->breaker().allows() && reads < 60) {
    EXPECT_FALSE(guarded_->get(keys[reads++ * 7 % keys.size()]).ok());
  }
  EXPECT_EQ(opened("cache"), 1);
  EXPECT_LE(reads, 12);
  EXPECT_FALSE(guarded_->remove(keys).ok());

  // One of them stays down, which does not keep the others out of use.
  ASSERT_OK(the_cluster->node(1).resume());
  ASSERT_OK(the_cluster->node(2).resume());
  executor_->advance(kPeriod);
  EXPECT_EQ(guarded_->breaker().status().state, State::kClosed);
  executor_->advance(kPeriod);
  for (const std::string& key : others_) {
    EXPECT_THAT(guarded_->get(key), IsOkAndHolds(std::nullopt)) << key;
    EXPECT_FALSE(guarded_->owesDeletion(key));
  }
  EXPECT_EQ(guarded_->pendingDeletes(), theirs_.size());
}

TEST_F(RedisNodeBreakerTest, ALimiterGoesOnForTheKeysOfOtherNodes) {
  RedisOptions theirs = options(the_cluster->url());
  theirs.node_breaker.name = "rate_limit";
  const auto log = GuardedRateLimitLog::create(
                       RedisRateLimitLog::create(theirs, clock_, metrics_, executor_).value(), {},
                       metrics_, clock_, executor_)
                       .value();
  ASSERT_OK(the_cluster->node(kDown).freeze());
  int failures = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string key = "call" + std::to_string(i);
    const RateLimitLog::Call call{.key = key, .limit = 100, .window = absl::Minutes(1)};
    const bool is_recorded = log->record({&call, 1}).front().ok();
    EXPECT_EQ(is_recorded, the_cluster->ownerOf(the_cluster->slotOf(key).value()).value() != kDown);
    if (!is_recorded) ++failures;
  }
  EXPECT_GT(failures, 10);
  EXPECT_EQ(log->breaker()->status().state, State::kClosed);
  EXPECT_EQ(opened("rate_limit@" + hostOf(the_cluster->node(kDown))), 1);
}

// A node whose breaker is open is not asked, and so does not say that another has its slots.
TEST(RedisNodeBreaker, FindsThePromotedReplicaOfANodeThatItLeavesAlone) {
  const auto cluster = LocalRedisCluster::start({.replicas_per_master = 1}).value();
  testing::FakeClock clock;
  const auto tasks = std::make_shared<testing::FakeExecutor>(clock);
  const auto metrics = std::make_shared<InMemoryMetrics>();
  const auto client = RedisCache::create({.url = cluster->url(), .node_breaker = {.name = "cache"}},
                                         clock, metrics, tasks)
                          .value();
  const auto cache = GuardedCache::create(client, {}, metrics, clock, tasks).value();
  const std::string key = "key";
  ASSERT_TRUE(testing::eventually([&] { return cache->set(key, "old", kLong).ok(); }));
  const int slot = cluster->slotOf(key).value();
  const std::size_t owner = cluster->ownerOf(slot).value();
  const std::string name = "cache@" + hostOf(cluster->node(owner));
  ASSERT_OK(cluster->node(owner).kill());
  ASSERT_TRUE(testing::eventually([&] {
    cache->get(key).IgnoreError();
    return metrics->level("strata_breaker_state", {{"breaker", name}}) == 1;
  }));
  ASSERT_FALSE(cache->remove({&key, 1}).ok());
  ASSERT_EQ(cache->pendingDeletes(), 1U);

  // The clock stands still, so there is no probe.
  ASSERT_OK(cluster->awaitOwnerOtherThan(slot, owner));
  EXPECT_TRUE(testing::eventually([&] { return cache->get(key).ok(); }));
  EXPECT_EQ(metrics->level("strata_breaker_state", {{"breaker", name}}), 0) << "it is gone";
  tasks->advance(absl::Seconds(1));
  EXPECT_EQ(cache->pendingDeletes(), 0U);
  EXPECT_THAT(cache->get(key), IsOkAndHolds(std::nullopt));
}

}  // namespace
}  // namespace strata
