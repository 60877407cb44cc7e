// Redis's EventTransport when its connection, its server or its master is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "strata/adapters/redis/redis_event_transport.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/servers/local_sentinel.h"
#include "strata/testing/servers/local_servers.h"
#include "tests/adapters/events/event_nodes.h"

namespace strata {
namespace {

using absl::StatusCode;
using testing::EventFaults;
using testing::EventNode;
using testing::eventually;
using ::testing::HasSubstr;
using testing::LocalRedis;
using testing::LocalRedisCluster;
using testing::LocalSentinel;
using testing::LocalServers;
using ::testing::Not;
using testing::StatusIs;
using testing::TcpProxy;
using ::testing::UnorderedElementsAre;

std::unique_ptr<EventNode> nodeAt(const std::string& url) {
  return std::make_unique<EventNode>(
      makeRedisEventTransport({.url = url,
                               .connect_timeout = absl::Milliseconds(500),
                               .command_timeout = absl::Milliseconds(500)})
          .value());
}

// Alice sends past the proxy, Bob listens through it.
class RedisEventFaults : public EventFaults {
 protected:
  RedisEventFaults() : EventFaults({.redis = true, .proxied = true}) {
    alice_ = nodeAt(redis().unixUrl());
    bob_ = nodeAt(redis().url());
  }
  LocalRedis& redis() { return servers_->redis(); }
  TcpProxy& proxy() { return *redis().proxy(); }
};

// B-90
TEST_F(RedisEventFaults, ACutIsOneGapAndEverySubscriptionIsBackWhenItIsTold) {
  isToldOfOneGapForEachCut(proxy());
  EXPECT_EQ(alice_->receiver.gaps(), 0);
}

// B-90
TEST_F(RedisEventFaults, ASilentPartitionIsNoticedAndAGapOnceItIsOver) {
  proxy().setMode(TcpProxy::Mode::kSilent);
  ASSERT_TRUE(bob_->noticesThatItIsLost("a"));
  EXPECT_FALSE(bob_->transport->healthCheck().healthy());
  ASSERT_OK(alice_->send("a", "missed"));
  EXPECT_EQ(bob_->receiver.gaps(), 0);
  // Subscribed to, and left, while it is lost.
  bob_->transport->subscribe("c");
  bob_->transport->unsubscribe("b");
  proxy().heal();
  ASSERT_TRUE(bob_->isToldOfGaps(1));
  EXPECT_OK(bob_->listenTo("c"));
  ASSERT_OK(alice_->send("b", "not subscribed to"));
  ASSERT_OK(alice_->send("c", "new"));
  ASSERT_TRUE(bob_->receiver.hears("c", "new"));
  EXPECT_EQ(bob_->receiver.heard("b").back(), "before 2");
  ASSERT_OK(bob_->listenTo("b"));
  hearsInOrder("after");
  EXPECT_EQ(bob_->receiver.gaps(), 1);
}

TEST_F(RedisEventFaults, APartitionOfOneWayIsNoticed) {
  int gaps = 0;
  for (const auto way : {TcpProxy::Way::kToServer, TcpProxy::Way::kToClient}) {
    proxy().setSilent(way, true);
    ASSERT_TRUE(bob_->noticesThatItIsLost("a"));
    proxy().heal();
    ASSERT_TRUE(bob_->isToldOfGaps(++gaps));
    hearsInOrder("after " + std::to_string(gaps));
  }
}

// B-90
TEST_F(RedisEventFaults, AServerThatWasRestartedIsAGap) {
  ASSERT_OK(redis().restart());
  ASSERT_TRUE(bob_->isToldOfGaps(1));
  ASSERT_TRUE(alice_->isToldOfGaps(1));
  hearsInOrder("after");
  EXPECT_EQ(bob_->receiver.gaps(), 1);
}

// Every channel that was subscribed to and left while the server was away was kept until it was back.
TEST_F(RedisEventFaults, ChannelsThatComeAndGoWhileTheServerIsAwayAreForgotten) {
  ASSERT_OK(redis().stop());
  ASSERT_TRUE(bob_->noticesThatItIsLost("a"));
  keepsNothingOfChannelsThatComeAndGo();
  ASSERT_OK(redis().start());
  hearsTheChannelsThatAreLeft();
  EXPECT_THAT(redis().elements({"PUBSUB", "CHANNELS"}).value(), UnorderedElementsAre("a", "c"));
}

// A replica takes a PUBLISH, which then reaches nobody but those who listen to it.
TEST_F(RedisEventFaults, AServerThatIsNoMasterAnyMoreTakesNothing) {
  ASSERT_OK(redis().command({"REPLICAOF", "127.0.0.1", "1"}));
  EXPECT_THAT(alice_->send("a", "lost"), StatusIs(StatusCode::kUnavailable));
  ASSERT_OK(redis().command({"REPLICAOF", "NO", "ONE"}));
  hearsInOrder("after");
}

TEST_F(RedisEventFaults, OneThatCannotStoreAnythingStillSends) {
  ASSERT_OK(redis().command({"CONFIG", "SET", "maxmemory", "1"}));
  hearsInOrder("without memory");
}

TEST_F(RedisEventFaults, EndsPromptlyWhileTheServerIsFrozen) {
  ASSERT_OK(redis().freeze());
  endsPromptly();
  ASSERT_OK(redis().resume());
}

TEST(RedisEventStart, AServerThatIsDownIsAnErrorAndAGapOnceItIsThere) {
  const auto servers = LocalServers::start({.redis = true}).value();
  const auto node = nodeAt(servers->redis().url());
  ASSERT_OK(servers->redis().stop());
  EXPECT_THAT(node->start(), StatusIs(StatusCode::kUnavailable));
  node->transport->subscribe("a");
  EXPECT_FALSE(node->transport->healthCheck().healthy());
  ASSERT_OK(servers->redis().start());
  ASSERT_TRUE(node->isToldOfGaps(1));
  ASSERT_TRUE(node->sends("a", "x"));
  EXPECT_TRUE(node->receiver.hears("a", "x"));
}

TEST(RedisEventStart, AWrongPasswordIsToldWithoutIt) {
  const auto servers = LocalServers::start({.redis = true, .redis_password = "right"}).value();
  const auto node = nodeAt("redis://:hunter2@127.0.0.1:" + std::to_string(servers->redis().port()));
  EXPECT_THAT(node->start(), StatusIs(StatusCode::kPermissionDenied, Not(HasSubstr("hunter2"))));
}

TEST(RedisEventStart, AWrongUrlIsRefused) {
  EXPECT_THAT(makeRedisEventTransport({.url = "http://hunter2"}),
              StatusIs(StatusCode::kInvalidArgument, Not(HasSubstr("hunter2"))));
}

// B-90
TEST(RedisEventSentinel, AfterAFailoverEventsFlowThroughTheNewMaster) {
  const auto redis = LocalSentinel::start().value();
  const auto alice = nodeAt(redis->url());
  const auto bob = nodeAt(redis->url());
  ASSERT_OK(alice->start());
  ASSERT_OK(bob->start());
  ASSERT_OK(bob->listenTo("a"));
  ASSERT_TRUE(alice->sends("a", "before"));
  ASSERT_TRUE(bob->receiver.hears("a", "before"));
  ASSERT_OK(redis->failOver());
  ASSERT_TRUE(bob->isToldOfGaps(1));
  ASSERT_TRUE(alice->isToldOfGaps(1));
  ASSERT_TRUE(alice->sends("a", "after"));
  EXPECT_TRUE(bob->receiver.hears("a", "after"));
}

TEST(RedisEventSentinel, AMasterThatIsGoneIsLeftForTheNewOne) {
  const auto redis = LocalSentinel::start().value();
  const auto bob = nodeAt(redis->url());
  ASSERT_OK(bob->start());
  ASSERT_OK(bob->listenTo("a"));
  ASSERT_OK_AND_ASSIGN(LocalRedis * old, redis->master());
  ASSERT_OK(old->freeze());
  ASSERT_OK(redis->awaitMasterOtherThan(old->port()).status());
  ASSERT_TRUE(bob->isToldOfGaps(1));
  const auto alice = nodeAt(redis->url());
  ASSERT_OK(alice->start());
  ASSERT_TRUE(alice->sends("a", "x"));
  EXPECT_TRUE(bob->receiver.hears("a", "x"));
  ASSERT_OK(old->resume());
}

// A master that becomes a replica keeps its connections and answers every PING, but hears nothing
// of what the new master is told.
TEST(RedisEventReplacement, OneThatOnlyListensLeavesAServerThatIsNoMasterAnyMore) {
  const auto first = LocalServers::start({.redis = true}).value();
  const auto second = LocalServers::start({.redis = true}).value();
  const auto bob = nodeAt("redis://127.0.0.1:" + std::to_string(first->redis().port()) +
                          ",127.0.0.1:" + std::to_string(second->redis().port()));
  ASSERT_OK(bob->start());
  ASSERT_OK(bob->listenTo("a"));
  ASSERT_OK(first->redis().command({"REPLICAOF", "127.0.0.1", "1"}));
  ASSERT_TRUE(bob->isToldOfGaps(1));
  ASSERT_OK(second->redis().command({"PUBLISH", "a", "x"}));
  EXPECT_TRUE(bob->receiver.hears("a", "x"));
  EXPECT_EQ(bob->receiver.gaps(), 1);
}

// B-90
TEST(RedisEventCluster, TheLossOfANodeIsSurvived) {
  const auto cluster = LocalRedisCluster::start({.replicas_per_master = 1}).value();
  const auto alice = nodeAt(cluster->url());
  const auto bob = nodeAt(cluster->url());
  ASSERT_OK(alice->start());
  ASSERT_OK(bob->start());
  ASSERT_OK(bob->listenTo("a"));
  ASSERT_TRUE(alice->sends("a", "before"));
  ASSERT_TRUE(bob->receiver.hears("a", "before"));
  ASSERT_OK(cluster->node(0).kill());
  ASSERT_OK(cluster->awaitOwnerOtherThan(0, 0).status());
  int sent = 0;
  EXPECT_TRUE(eventually(
      [&] {
        const std::string number = std::to_string(++sent);
        return alice->send("a", number).ok() && bob->receiver.heard("a").back() != "before";
      },
      absl::Seconds(60)));
}

}  // namespace
}  // namespace strata
