// A Redis that is killed, frozen, cut off, restarted, demoted, or that is no Redis at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::Eq;
using testing::eventually;
using ::testing::Field;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalRedis;
using testing::LocalServers;
using ::testing::Optional;
using testing::StatusIs;
using testing::TcpProxy;

constexpr absl::Duration kLong = absl::Hours(1);
// What "at once" and "about the timeout" may mean on a busy machine.
constexpr absl::Duration kSoon = absl::Seconds(2);

auto isDown() { return StatusIs(AnyOf(StatusCode::kUnavailable, StatusCode::kDeadlineExceeded)); }

absl::StatusOr<LeaseReply> lease(Cache& cache, std::string_view key) {
  const LeaseRequest request{key, "L"};
  return cache.getOrLease({&request, 1}, kLong).front();
}

std::vector<absl::StatusOr<LeaseReply>> leaseMany(Cache& cache, std::string_view key, int count) {
  return cache.getOrLease(std::vector<LeaseRequest>(count, {key, "L"}), kLong);
}

absl::StatusOr<bool> fill(Cache& cache, std::string_view key, Incarnation incarnation = {}) {
  const CompareAndSet request{key, "L", "value", kLong, incarnation};
  return cache.compareAndSet({&request, 1}).front();
}

absl::Status removeFrom(Cache& cache, const std::string& key) { return cache.remove({&key, 1}); }

template <typename Call>
absl::Duration timeOf(Call call) {
  const MonotonicTime started = Clock::system().now();
  call();
  return Clock::system().now() - started;
}

// For what is not about time: with that of a busy machine, where servers starve, too.
std::shared_ptr<RedisCache> patientCache(const std::string& url) {
  constexpr absl::Duration kPatient = absl::Seconds(20);
  return RedisCache::create({.url = url, .connect_timeout = kPatient, .command_timeout = kPatient})
      .value();
}

class RedisFaultsTest : public ::testing::Test {
 protected:
  LocalRedis& redis() { return servers_->redis(); }
  void command(const std::vector<std::string>& arguments) {
    EXPECT_THAT(redis().command(arguments), IsOk());
  }
  // With the timeouts that are meant for production.
  std::shared_ptr<RedisCache> cacheOf(const std::string& url) {
    return RedisCache::create({.url = url}).value();
  }
  // Waits, with calls that may fail, until the cache answers again.
  void expectRecovery(Cache& cache) {
    EXPECT_TRUE(eventually([&] { return cache.ping().ok(); }));
  }
  // Freezes the server only once the cache has a connection, so that commands go out on it.
  void warmUp(Cache& cache) {
    EXPECT_TRUE(eventually([&] { return cache.set("warm", "up", kLong).ok(); }));
  }

  std::unique_ptr<LocalServers> servers_ =
      LocalServers::start({.redis = true, .proxied = true}).value();
  std::shared_ptr<RedisCache> cache_ = cacheOf(redis().url());
};

// ---- Killed ----

// B-25
TEST_F(RedisFaultsTest, AServerThatNeverWasThereIsUnavailableAtOnce) {
  redis().proxy()->setMode(TcpProxy::Mode::kRefuse);
  EXPECT_LT(timeOf([&] {
              EXPECT_THAT(cache_->get("a"), StatusIs(StatusCode::kUnavailable));
              EXPECT_THAT(cache_->set("a", "x", kLong), StatusIs(StatusCode::kUnavailable));
              EXPECT_THAT(removeFrom(*cache_, "a"), StatusIs(StatusCode::kUnavailable));
              EXPECT_THAT(lease(*cache_, "a"), StatusIs(StatusCode::kUnavailable));
              EXPECT_THAT(fill(*cache_, "a"), StatusIs(StatusCode::kUnavailable));
            }),
            kSoon);
  const Health health = cache_->healthCheck();
  EXPECT_EQ(health.state, HealthState::kFail);
  EXPECT_EQ(health.backend, "redis");
  EXPECT_THAT(health.error, HasSubstr("127.0.0.1"));
}

// B-28
TEST_F(RedisFaultsTest, AKilledServerIsUnavailableAndUsedAgainOnceItIsBack) {
  const auto direct = cacheOf(redis().unixUrl());
  for (const auto& cache : {cache_, direct}) {
    warmUp(*cache);
    ASSERT_OK(redis().kill());
    EXPECT_LT(timeOf([&] {
                for (int i = 0; i < 5; ++i) EXPECT_THAT(cache->get("a"), isDown());
              }),
              kSoon);
    ASSERT_OK(redis().start());
    expectRecovery(*cache);
    EXPECT_OK(cache->set("a", "x", kLong));
    EXPECT_THAT(cache->get("a"), IsOkAndHolds(Optional(std::string("x"))));
  }
}

// ---- Frozen, cut off ----

// B-26
TEST_F(RedisFaultsTest, AFrozenServerCostsAboutTheTimeoutOfACall) {
  warmUp(*cache_);
  ASSERT_OK(redis().freeze());
  for (int i = 0; i < 3; ++i) {
    EXPECT_LT(timeOf([&] { EXPECT_THAT(cache_->get("warm"), isDown()); }), kSoon);
    EXPECT_LT(timeOf([&] { EXPECT_THAT(removeFrom(*cache_, "warm"), isDown()); }), kSoon);
  }
  EXPECT_EQ(cache_->healthCheck().state, HealthState::kFail);
  ASSERT_OK(redis().resume());
  expectRecovery(*cache_);
}

TEST_F(RedisFaultsTest, ADeadlineEndsACallBeforeItsTimeout) {
  const auto cache = RedisCache::create({.url = redis().url(),
                                         .connect_timeout = absl::Minutes(5),
                                         .command_timeout = absl::Minutes(5)})
                         .value();
  warmUp(*cache);
  ASSERT_OK(redis().freeze());
  // The first has a connection, the second has to open one.
  for (int i = 0; i < 2; ++i) {
    EXPECT_LT(timeOf([&] {
                EXPECT_THAT(cache->get("warm", Deadline::in(absl::Milliseconds(30))),
                            StatusIs(StatusCode::kDeadlineExceeded));
              }),
              kSoon);
  }
  ASSERT_OK(redis().resume());
}

// Race 4. What has reached the server is executed when it comes to itself, whatever became of the
// connection. It must not matter.
// B-29, B-49
TEST_F(RedisFaultsTest, AFillThatAFrozenServerExecutesLateBringsNothingBack) {
  for (const std::string& url : {redis().url(), redis().unixUrl()}) {
    const auto cache = cacheOf(url);
    for (int round = 0; round < 5; ++round) {
      const std::string key = "a" + std::to_string(round);
      EXPECT_TRUE(eventually([&] { return removeFrom(*cache, key).ok(); }));
      ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache, key));
      ASSERT_TRUE(reply.leased);
      ASSERT_OK(redis().freeze());
      EXPECT_THAT(fill(*cache, key, reply.incarnation), isDown());
      EXPECT_THAT(removeFrom(*cache, key), isDown());
      ASSERT_OK(redis().resume());
      // The removal that counts is the one that was answered.
      EXPECT_TRUE(eventually([&] { return removeFrom(*cache, key).ok(); }));
      EXPECT_THAT(redis().command({"GET", key}), IsOkAndHolds(Eq("")));
    }
  }
}

TEST_F(RedisFaultsTest, APartitionIsLikeAFrozenServer) {
  warmUp(*cache_);
  ASSERT_OK(redis().cutOff(TcpProxy::Mode::kSilent));
  EXPECT_LT(timeOf([&] { EXPECT_THAT(cache_->get("warm"), isDown()); }), kSoon);
  ASSERT_OK(redis().reconnect());
  expectRecovery(*cache_);
  EXPECT_THAT(cache_->get("warm"), IsOkAndHolds(Optional(std::string("up"))));
}

// Race 12. A reply that comes after its caller gave up must not answer the next one.
// B-27
TEST_F(RedisFaultsTest, ALateReplyAnswersNobodyElse) {
  std::vector<std::string> keys;
  for (int i = 0; i < 4; ++i) {
    keys.push_back("key" + std::to_string(i));
    EXPECT_TRUE(eventually([&] { return cache_->set(keys.back(), keys.back(), kLong).ok(); }));
  }
  std::atomic<bool> stop = false;
  std::atomic<int> mixed_up = 0;
  std::atomic<int> answered = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    threads.emplace_back([&, i] {
      // Never the same key twice in a row, or the late reply to one would pass for the next.
      for (std::size_t n = i; !stop; ++n) {
        const std::string& key = keys[n % keys.size()];
        const auto value = cache_->get(key);
        if (!value.ok()) continue;
        ++answered;
        if (*value != key) ++mixed_up;
      }
    });
  }
  for (int round = 0; round < 10; ++round) {
    const int before = answered;
    EXPECT_TRUE(eventually([&] { return answered > before + 20; }));
    ASSERT_OK(redis().cutOff(TcpProxy::Mode::kSilent));
    // Long enough for every thread to give up at least once.
    EXPECT_THAT(cache_->get(keys[0]), isDown());
    ASSERT_OK(redis().reconnect());
  }
  stop = true;
  threads.clear();
  EXPECT_EQ(mixed_up, 0);
}

// ---- Another life ----

// B-30
TEST_F(RedisFaultsTest, ARestartFromASnapshotIsAnotherLifeAndOldFillsAreRefused) {
  cache_ = patientCache(redis().url());
  warmUp(*cache_);
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache_, "a"));
  ASSERT_TRUE(reply.leased);
  const Incarnation before = cache_->incarnation();
  EXPECT_EQ(reply.incarnation, before);
  ASSERT_OK(redis().save());
  ASSERT_OK(redis().kill());
  ASSERT_OK(redis().start());
  // The lease is back, as if nothing had happened.
  EXPECT_THAT(redis().command({"GET", "a"}), IsOkAndHolds(Eq("L")));

  EXPECT_TRUE(eventually([&] { return fill(*cache_, "a", reply.incarnation).ok(); }));
  EXPECT_THAT(fill(*cache_, "a", reply.incarnation), IsOkAndHolds(false));
  EXPECT_THAT(redis().command({"GET", "a"}), IsOkAndHolds(Eq("L")));
  EXPECT_NE(cache_->incarnation(), before);
  ASSERT_OK_AND_ASSIGN(const LeaseReply again, lease(*cache_, "a"));
  EXPECT_EQ(again.incarnation, cache_->incarnation());
}

TEST_F(RedisFaultsTest, AllConnectionsFollowToTheNewLife) {
  cache_ = patientCache(redis().url());
  constexpr int kThreads = 6;
  const auto use_all = [&] {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] { EXPECT_TRUE(eventually([&] { return cache_->ping().ok(); })); });
    }
  };
  use_all();
  const Incarnation before = cache_->incarnation();
  ASSERT_OK(redis().restart());
  use_all();
  const Incarnation after = cache_->incarnation();
  EXPECT_NE(after, before);
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache_, std::to_string(i)));
    EXPECT_EQ(reply.incarnation, after);
  }
}

// ---- Demoted ----

// Race 30: demotion closes no connection.
// B-32
TEST_F(RedisFaultsTest, ADemotedServerIsRefusedOverALiveConnectionToo) {
  warmUp(*cache_);
  const Incarnation before = cache_->incarnation();
  command({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_THAT(lease(*cache_, "warm"), StatusIs(StatusCode::kUnavailable, HasSubstr("replica")));
  // The plain read, which a replica would answer, finds no connection any more.
  EXPECT_THAT(cache_->get("warm"), StatusIs(StatusCode::kUnavailable, HasSubstr("replica")));
  EXPECT_THAT(removeFrom(*cache_, "warm"), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(cache_->healthCheck().state, HealthState::kFail);

  command({"REPLICAOF", "NO", "ONE"});
  expectRecovery(*cache_);
  EXPECT_NE(cache_->incarnation(), before);  // it may have followed another master meanwhile
}

// How many keys are asked for decides in which words they are.
class RedisFencedReadTest : public RedisFaultsTest, public ::testing::WithParamInterface<int> {
 protected:
  // So that the key is read: it was there the last time.
  void seeTheKey() {
    warmUp(*cache_);
    for (const auto& reply : leaseMany(*cache_, "warm", GetParam())) ASSERT_OK(reply);
  }
};
INSTANTIATE_TEST_SUITE_P(Keys, RedisFencedReadTest, ::testing::Values(1, 5, 100, 600),
                         ::testing::PrintToStringParamName());

TEST_P(RedisFencedReadTest, IsRefusedByADemotedServerOverALiveConnection) {
  seeTheKey();
  command({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_THAT(leaseMany(*cache_, "warm", GetParam()),
              Each(StatusIs(StatusCode::kUnavailable, HasSubstr("replica"))));
}

// Race 29: an isolated master refuses writes, and so the fenced read, where GET would answer.
TEST_P(RedisFencedReadTest, IsRefusedByAMasterThatLostItsReplicas) {
  seeTheKey();
  command({"CONFIG", "SET", "min-replicas-to-write", "1"});
  EXPECT_THAT(leaseMany(*cache_, "warm", GetParam()),
              Each(StatusIs(StatusCode::kUnavailable, HasSubstr("NOREPLICAS"))));
}

TEST_P(RedisFencedReadTest, IsMadeByLeasesWhereAnAclForbidsTheRest) {
  seeTheKey();
  command({"ACL", "SETUSER", "default", "-getex"});
  EXPECT_THAT(leaseMany(*cache_, "warm", GetParam()),
              Each(IsOkAndHolds(Field(&LeaseReply::found, Optional(std::string("up"))))));
}

TEST_F(RedisFaultsTest, APingNoticesADemotionBeforeAnyWriteDoes) {
  warmUp(*cache_);
  command({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_THAT(cache_->ping(), StatusIs(StatusCode::kUnavailable, HasSubstr("replica")));
  EXPECT_THAT(cache_->get("warm"), StatusIs(StatusCode::kUnavailable));
}

TEST_F(RedisFaultsTest, APingNoticesThatTheServerWasDemotedAndPromotedInBetween) {
  warmUp(*cache_);
  const Incarnation before = cache_->incarnation();
  command({"REPLICAOF", "127.0.0.1", "1"});
  command({"REPLICAOF", "NO", "ONE"});
  EXPECT_THAT(cache_->ping(), StatusIs(StatusCode::kUnavailable, HasSubstr("another incarnation")));
  EXPECT_OK(cache_->ping());
  EXPECT_NE(cache_->incarnation(), before);
}

TEST_F(RedisFaultsTest, AMasterThatLostItsReplicasTakesNoFill) {
  ASSERT_OK(lease(*cache_, "a"));
  command({"CONFIG", "SET", "min-replicas-to-write", "1"});
  EXPECT_THAT(fill(*cache_, "a"), StatusIs(StatusCode::kUnavailable));
}

// ---- No Redis at all ----

// Answers every connection with the same bytes, then closes it.
class Impostor {
 public:
  explicit Impostor(std::string bytes) : bytes_(std::move(bytes)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listening_, generic, size), 0);
    EXPECT_EQ(::listen(listening_, 8), 0);
    EXPECT_EQ(::getsockname(listening_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~Impostor() {
    // Ends the waiting for the next connection.
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
  }
  std::string url() const { return "redis://:hunter2@127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    for (int fd = ::accept(listening_, nullptr, nullptr); fd >= 0;
         fd = ::accept(listening_, nullptr, nullptr)) {
      char asked[1024];
      // What is asked does not matter, only that it was.
      if (::recv(fd, asked, sizeof asked, 0) > 0) {
        ::send(fd, bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
      }
      ::close(fd);
    }
  }

  const std::string bytes_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

// B-27, B-33
TEST(RedisImpostors, AreUnavailable) {
  for (const char* bytes : {"", "HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n$100\r\ncut off",
                            "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n", "\x15\x03\x03"}) {
    const Impostor impostor(bytes);
    const auto cache = RedisCache::create({.url = impostor.url()}).value();
    EXPECT_THAT(cache->get("a"), isDown()) << bytes;
    const Health health = cache->healthCheck();
    EXPECT_EQ(health.state, HealthState::kFail) << bytes;
    EXPECT_THAT(health.error, ::testing::Not(HasSubstr("hunter2")));
  }
}

TEST(RedisImpostors, AnErrorBeforeTheEndIsTheReason) {
  const Impostor full("-ERR max number of clients reached\r\n");
  EXPECT_THAT(patientCache(full.url())->ping(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("too many clients")));
}

}  // namespace
}  // namespace strata
