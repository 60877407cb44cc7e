#include "adapters/redis/redis_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "strata/testing/eventually.h"
#include "strata/testing/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using internal::IoTime;
using internal::parseRedisUrl;
using internal::RedisCommands;
using internal::RedisPool;
using testing::eventually;
using testing::IsOk;
using testing::LocalRedis;
using testing::LocalServers;
using testing::StatusIs;
using testing::TcpProxy;

class RedisPoolTest : public ::testing::Test {
 protected:
  static IoTime soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

  LocalRedis& redis() { return servers_->redis(); }
  RedisPool::Options options(std::size_t max_connections) {
    return {.endpoint = parseRedisUrl(redis().url()).value(),
            .max_connections = max_connections,
            .connect_timeout = std::chrono::seconds(20)};
  }
  RedisPool::Lease acquire(RedisPool& pool) { return pool.acquire(soon(), soon()).value(); }
  std::string idOf(RedisPool::Lease& lease) {
    RedisCommands commands;
    commands.add({"CLIENT", "ID"});
    const auto replies = lease->exchange(commands, soon());
    EXPECT_THAT(replies.front(), IsOk());
    return replies.front().ok() ? std::to_string(replies.front()->integer()) : "";
  }
  // Another life of the server, which closes no connection.
  void changeLife() {
    EXPECT_THAT(redis().command({"REPLICAOF", "127.0.0.1", "1"}), IsOk());
    EXPECT_THAT(redis().command({"REPLICAOF", "NO", "ONE"}), IsOk());
  }

  std::unique_ptr<LocalServers> servers_ =
      LocalServers::start({.redis = true, .proxied = true}).value();
};

TEST_F(RedisPoolTest, GivesOutTheConnectionThatWasUsedLast) {
  RedisPool pool(options(2));
  std::string last;
  {
    RedisPool::Lease a = acquire(pool);
    RedisPool::Lease b = acquire(pool);
    last = idOf(a);
  }
  // `b` was given back first.
  RedisPool::Lease again = acquire(pool);
  EXPECT_EQ(idOf(again), last);
}

TEST_F(RedisPoolTest, WhoFindsAllOfThemBusyWaitsForOneButNotForEver) {
  RedisPool pool(options(1));
  auto only = std::make_unique<RedisPool::Lease>(acquire(pool));
  const IoTime now = std::chrono::steady_clock::now();
  EXPECT_THAT(pool.acquire(now, soon()), StatusIs(absl::StatusCode::kDeadlineExceeded));
  const std::string id = idOf(*only);
  std::jthread waiter([&] {
    RedisPool::Lease lease = acquire(pool);
    EXPECT_EQ(idOf(lease), id);
  });
  only.reset();
}

TEST_F(RedisPoolTest, AFailedConnectionLeavesItsPlaceToTheNext) {
  RedisPool pool(options(1));
  redis().proxy()->setMode(TcpProxy::Mode::kRefuse);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(pool.acquire(soon(), soon()), StatusIs(absl::StatusCode::kUnavailable));
  }
  redis().proxy()->setMode(TcpProxy::Mode::kForward);
  EXPECT_THAT(pool.acquire(soon(), soon()), IsOk());
}

TEST_F(RedisPoolTest, ARetiredConnectionIsClosed) {
  RedisPool pool(options(1));
  std::string retired;
  {
    RedisPool::Lease lease = acquire(pool);
    retired = idOf(lease);
    lease->retire();
  }
  RedisPool::Lease next = acquire(pool);
  EXPECT_NE(idOf(next), retired);
}

// B-30
TEST_F(RedisPoolTest, WhenANewConnectionMeetsAnotherLifeTheOldOnesAreClosed) {
  RedisPool pool(options(3));
  auto idle = std::make_unique<RedisPool::Lease>(acquire(pool));
  auto in_use = std::make_unique<RedisPool::Lease>(acquire(pool));
  const Incarnation before = pool.incarnation();

  // The third begins to connect while both are in use, and gets through once one is idle again.
  changeLife();
  ASSERT_OK(redis().freeze());
  std::unique_ptr<RedisPool::Lease> newest;
  std::jthread connecting([&] { newest = std::make_unique<RedisPool::Lease>(acquire(pool)); });
  EXPECT_TRUE(eventually([&] { return redis().proxy()->acceptedConnections() == 3; }));
  idle.reset();
  ASSERT_OK(redis().resume());
  connecting.join();

  EXPECT_NE(pool.incarnation(), before);
  EXPECT_EQ((*newest)->server().incarnation, pool.incarnation());
  EXPECT_TRUE(eventually([&] { return redis().proxy()->openConnections() == 2; }));
  in_use.reset();
  EXPECT_TRUE(eventually([&] { return redis().proxy()->openConnections() == 1; }));
  RedisPool::Lease another = acquire(pool);
  EXPECT_EQ(another->server().incarnation, pool.incarnation());
}

}  // namespace
}  // namespace strata
