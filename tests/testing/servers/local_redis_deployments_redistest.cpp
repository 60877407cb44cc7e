// Every kind of Redis that the testing library starts: with TLS, with users, with sentinels, as a
// cluster.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/servers/local_sentinel.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalRedis;
using testing::LocalRedisCluster;
using testing::LocalSentinel;
using testing::LocalServers;
using testing::LocalServersOptions;
using testing::ServerCertificate;
using testing::StatusIs;
using testing::TcpProxy;
using testing::TestCertificates;

// Whether the process is gone, or dead and only its parent has not looked.
bool isGone(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  return text.empty() || text.find(") Z ") != std::string::npos;
}

// --- TLS

struct Trust {
  std::string ca_file;
  std::string certificate_file = {};
  std::string key_file = {};
};

int connectTo(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{.tv_sec = 10, .tv_usec = 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return socket;
}

// What a server answers to a PING in TLS from a client that verifies it to be "localhost"; empty if
// one refuses the other.
std::string pingOverTls(std::uint16_t port, const Trust& trust) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  EXPECT_EQ(SSL_CTX_load_verify_file(context.get(), trust.ca_file.c_str()), 1);
  if (!trust.certificate_file.empty()) {
    SSL_CTX_use_certificate_chain_file(context.get(), trust.certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), trust.key_file.c_str(), SSL_FILETYPE_PEM);
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), &SSL_free);
  SSL_set1_host(session.get(), "localhost");
  const int socket = connectTo(port);
  SSL_set_fd(session.get(), socket);
  std::array<char, 64> answer{};
  int count = 0;
  if (SSL_connect(session.get()) == 1 && SSL_write(session.get(), "PING\r\n", 6) == 6) {
    count = SSL_read(session.get(), answer.data(), answer.size());
  }
  close(socket);
  ERR_clear_error();
  return {answer.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
}

class TlsRedisTest : public ::testing::Test {
 protected:
  void startWith(LocalServersOptions options) {
    options.redis = true;
    options.redis_tls = true;
    auto servers = LocalServers::start(std::move(options));
    ASSERT_THAT(servers, IsOk());
    servers_ = *std::move(servers);
  }
  LocalRedis& redis() { return servers_->redis(); }
  const TestCertificates& files() { return servers_->certificates(); }

 private:
  std::unique_ptr<LocalServers> servers_;
};

TEST_F(TlsRedisTest, AnswersAClientThatTrustsItsAuthority) {
  startWith({});
  EXPECT_EQ(redis().url(), "rediss://localhost:" + std::to_string(redis().port()));
  EXPECT_EQ(pingOverTls(redis().port(), {files().caFile()}), "+PONG\r\n");
  EXPECT_EQ(pingOverTls(redis().port(), {files().otherCaFile()}), "");
  EXPECT_THAT(redis().command({"PING"}), IsOkAndHolds("PONG"));
}

TEST_F(TlsRedisTest, AsksForAClientCertificateIfToldTo) {
  startWith({.redis_asks_for_certificate = true});
  const TestCertificates& own = files();
  EXPECT_EQ(pingOverTls(redis().port(), {own.caFile()}), "");
  EXPECT_EQ(
      pingOverTls(redis().port(), {own.caFile(), own.clientCertificateFile(), own.clientKeyFile()}),
      "+PONG\r\n");
}

TEST_F(TlsRedisTest, ShowsAnExpiredCertificateIfToldTo) {
  startWith({.redis_certificate = ServerCertificate::kExpired});
  EXPECT_EQ(pingOverTls(redis().port(), {files().caFile()}), "");
}

TEST_F(TlsRedisTest, ShowsTheCertificateOfAnotherHostIfToldTo) {
  startWith({.redis_certificate = ServerCertificate::kOtherHost});
  EXPECT_EQ(pingOverTls(redis().port(), {files().caFile()}), "");
}

TEST_F(TlsRedisTest, IsReachedThroughAProxyTooAndComesBackAfterARestart) {
  startWith({.proxied = true, .redis_password = "open sesame"});
  EXPECT_THAT(redis().url(), HasSubstr("rediss://:open sesame@localhost:"));
  const std::string asks_for_password = "-NOAUTH Authentication required.\r\n";
  EXPECT_EQ(pingOverTls(redis().port(), {files().caFile()}), asks_for_password);
  ASSERT_OK(redis().restart());
  ASSERT_OK(redis().cutOff(TcpProxy::Mode::kRefuse));
  ASSERT_OK(redis().reconnect());
  EXPECT_EQ(pingOverTls(redis().port(), {files().caFile()}), asks_for_password);
}

// --- Users

TEST(RedisUsers, AreMadeByACommandAndMayDoOnlyWhatTheyMay) {
  auto servers = LocalServers::start({.redis = true});
  ASSERT_THAT(servers, IsOk());
  LocalRedis& redis = (*servers)->redis();
  ASSERT_THAT(redis.command({"ACL", "SETUSER", "reader", "on", ">secret", "~app:*", "+get"}),
              IsOk());
  EXPECT_THAT(redis.command({"ACL", "DRYRUN", "reader", "GET", "app:1"}), IsOkAndHolds("OK"));
  EXPECT_THAT(redis.command({"ACL", "DRYRUN", "reader", "SET", "app:1", "x"}),
              IsOkAndHolds(HasSubstr("no permissions")));
}

TEST(RedisUsers, AreMadeByArgumentsToo) {
  auto servers =
      LocalServers::start({.redis = true,
                           .redis_args = {"--user", "reader", "on", ">secret", "~app:*", "+get",
                                          "--user", "default", "on", "nopass", "~*", "+@all"}});
  ASSERT_THAT(servers, IsOk());
  EXPECT_THAT((*servers)->redis().elements({"ACL", "USERS"}),
              IsOkAndHolds(ElementsAre("default", "reader")));
}

// --- Sentinels

std::vector<int> pidsOf(const LocalSentinel& redis) {
  std::vector<int> pids;
  for (const auto& server : redis.servers()) pids.push_back(server->pid());
  for (const auto& sentinel : redis.sentinels()) pids.push_back(sentinel->pid());
  return pids;
}

std::unique_ptr<LocalSentinel> startSentinel(testing::LocalSentinelOptions options = {}) {
  auto redis = LocalSentinel::start(std::move(options));
  EXPECT_THAT(redis, IsOk());
  return redis.ok() ? *std::move(redis) : nullptr;
}

TEST(RedisSentinel, KnowsTheMasterAndFailsOverToTheReplicaAndBack) {
  const auto redis = startSentinel({.password = "open sesame"});
  ASSERT_NE(redis, nullptr);
  EXPECT_THAT(redis->url(), ::testing::MatchesRegex(
                                "redis\\+sentinel://:open sesame@127.0.0.1:[0-9]+,127.0.0.1:[0-9]+,"
                                "127.0.0.1:[0-9]+/strata-master"));
  ASSERT_OK_AND_ASSIGN(LocalRedis * first, redis->master());
  EXPECT_EQ(first, redis->servers()[0].get());
  ASSERT_THAT(first->command({"SET", "key", "value"}), IsOk());
  ASSERT_THAT(first->command({"WAIT", "1", "10000"}), IsOkAndHolds("1"));

  ASSERT_OK_AND_ASSIGN(LocalRedis * second, redis->failOver());
  EXPECT_EQ(second, redis->servers()[1].get());
  EXPECT_THAT(second->command({"GET", "key"}), IsOkAndHolds("value"));
  EXPECT_THAT(first->command({"SET", "key", "late"}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("READONLY")));

  EXPECT_THAT(redis->failOver(), IsOkAndHolds(first));
}

TEST(RedisSentinel, ReplacesAKilledMasterWhichThenFollowsTheNewOne) {
  const auto redis = startSentinel({.replicas = 2});
  ASSERT_NE(redis, nullptr);
  ASSERT_OK_AND_ASSIGN(LocalRedis * killed, redis->master());
  ASSERT_OK(killed->kill());
  ASSERT_OK_AND_ASSIGN(LocalRedis * successor, redis->awaitMasterOtherThan(killed->port()));
  EXPECT_NE(successor, killed);
  ASSERT_OK(killed->start());
  EXPECT_TRUE(eventually(
      [&] {
        const auto role = killed->command({"ROLE"});
        return role.ok() && role->find("slave") == 0;
      },
      absl::Seconds(60)));
}

TEST(RedisSentinel, ReplacesAFrozenMaster) {
  const auto redis = startSentinel();
  ASSERT_NE(redis, nullptr);
  ASSERT_OK_AND_ASSIGN(LocalRedis * frozen, redis->master());
  ASSERT_OK(frozen->freeze());
  EXPECT_THAT(redis->awaitMasterOtherThan(frozen->port()), IsOkAndHolds(redis->servers()[1].get()));
  ASSERT_OK(frozen->resume());
}

TEST(RedisSentinel, OneOfThemMayBeGone) {
  const auto redis = startSentinel();
  ASSERT_NE(redis, nullptr);
  ASSERT_OK(redis->sentinels()[0]->kill());
  EXPECT_THAT(redis->failOver(), IsOkAndHolds(redis->servers()[1].get()));
}

TEST(RedisSentinel, LeavesNoProcessBehind) {
  auto redis = startSentinel();
  ASSERT_NE(redis, nullptr);
  const std::vector<int> pids = pidsOf(*redis);
  EXPECT_EQ(pids.size(), 5U);
  redis.reset();
  for (const int pid : pids) EXPECT_TRUE(isGone(pid)) << pid;
}

// --- Clusters

std::unique_ptr<LocalRedisCluster> startCluster(testing::LocalRedisClusterOptions options = {}) {
  auto cluster = LocalRedisCluster::start(std::move(options));
  EXPECT_THAT(cluster, IsOk());
  return cluster.ok() ? *std::move(cluster) : nullptr;
}

TEST(RedisCluster, SharesItsSlotsAndSendsClientsToTheirOwner) {
  const auto cluster = startCluster({.password = "open sesame"});
  ASSERT_NE(cluster, nullptr);
  EXPECT_THAT(cluster->url(),
              ::testing::MatchesRegex("redis\\+cluster://:open sesame@127.0.0.1:[0-9]+,127.0.0.1:"
                                      "[0-9]+,127.0.0.1:[0-9]+"));
  EXPECT_THAT(cluster->slotOf("foo"), IsOkAndHolds(12182));
  EXPECT_THAT(cluster->ownerOf(0), IsOkAndHolds(0U));
  EXPECT_THAT(cluster->ownerOf(LocalRedisCluster::kSlots / 2), IsOkAndHolds(1U));
  EXPECT_THAT(cluster->ownerOf(12182), IsOkAndHolds(2U));
  EXPECT_THAT(cluster->node(2).command({"SET", "foo", "bar"}), IsOkAndHolds("OK"));
  const std::string moved = "MOVED 12182 127.0.0.1:" + std::to_string(cluster->node(2).port());
  EXPECT_THAT(cluster->node(0).command({"GET", "foo"}),
              StatusIs(absl::StatusCode::kInternal, moved));
}

// The keys share a slot by their hash tag.
TEST(RedisCluster, MovesASlotStepByStep) {
  const auto cluster = startCluster();
  ASSERT_NE(cluster, nullptr);
  ASSERT_OK_AND_ASSIGN(const int slot, cluster->slotOf("{foo}"));
  LocalRedis& owner = cluster->node(2);
  LocalRedis& receiver = cluster->node(0);
  ASSERT_THAT(owner.command({"SET", "{foo}:\n1", "one"}), IsOk());
  ASSERT_THAT(owner.command({"SET", "{foo}:\n2", "two"}), IsOk());

  ASSERT_OK(cluster->beginMove(slot, 0));
  EXPECT_THAT(owner.command({"GET", "{foo}:\n1"}), IsOkAndHolds("one"));
  const std::string at = std::to_string(slot) + " 127.0.0.1:" + std::to_string(receiver.port());
  EXPECT_THAT(owner.command({"GET", "{foo}:3"}),
              StatusIs(absl::StatusCode::kInternal, "ASK " + at));
  EXPECT_THAT(cluster->ownerOf(slot), IsOkAndHolds(2U));
  EXPECT_THAT(cluster->migrateKeys(slot, 0, 1), IsOkAndHolds(1));
  EXPECT_THAT(cluster->endMove(slot, 0),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("1 keys are left")));
  EXPECT_THAT(cluster->migrateKeys(slot, 0), IsOkAndHolds(1));
  EXPECT_THAT(owner.command({"GET", "{foo}:\n1"}),
              StatusIs(absl::StatusCode::kInternal, "ASK " + at));

  ASSERT_OK(cluster->endMove(slot, 0));
  EXPECT_THAT(cluster->ownerOf(slot), IsOkAndHolds(0U));
  EXPECT_THAT(receiver.command({"GET", "{foo}:\n2"}), IsOkAndHolds("two"));
  EXPECT_THAT(owner.command({"GET", "{foo}:\n2"}),
              StatusIs(absl::StatusCode::kInternal, "MOVED " + at));
}

TEST(RedisCluster, MovesASlotOfManyKeysAtOnceAndBack) {
  const auto cluster = startCluster({.password = "open sesame"});
  ASSERT_NE(cluster, nullptr);
  ASSERT_OK_AND_ASSIGN(const int slot, cluster->slotOf("{foo}"));
  std::vector<std::string> set = {"MSET"};
  for (int i = 0; i < 250; ++i) {
    set.insert(set.end(), {"{foo}" + std::to_string(i), std::to_string(i)});
  }
  ASSERT_THAT(cluster->node(2).command(set), IsOk());
  ASSERT_OK(cluster->moveSlot(slot, 1));
  EXPECT_THAT(cluster->node(1).command({"GET", "{foo}249"}), IsOkAndHolds("249"));
  EXPECT_THAT(cluster->node(2).elements({"KEYS", "*"}), IsOkAndHolds(IsEmpty()));
  ASSERT_OK(cluster->moveSlot(slot, 2));
  EXPECT_THAT(cluster->node(2).command({"GET", "{foo}0"}), IsOkAndHolds("0"));
}

TEST(RedisCluster, AReplicaTakesThePlaceOfItsMasterInOrderOrAfterItsDeath) {
  const auto cluster = startCluster({.replicas_per_master = 1});
  ASSERT_NE(cluster, nullptr);
  ASSERT_EQ(cluster->size(), 6U);
  EXPECT_THAT(cluster->failOver(0), IsOkAndHolds(3U));
  EXPECT_THAT(cluster->ownerOf(0), IsOkAndHolds(3U));

  ASSERT_OK(cluster->node(1).kill());
  const int slot = LocalRedisCluster::kSlots / 2;
  EXPECT_THAT(cluster->awaitOwnerOtherThan(slot, 1), IsOkAndHolds(4U));
  EXPECT_THAT(cluster->failOver(slot), StatusIs(absl::StatusCode::kFailedPrecondition));
}

// A fork of this program that starts a cluster, tells where its processes are and waits for its
// end.
[[noreturn]] void startClusterAndWait(int tell) {
  const auto cluster = startCluster();
  if (cluster == nullptr || !cluster->node(1).freeze().ok()) _exit(1);
  const std::array<int, 3> pids = {cluster->node(0).pid(), cluster->node(1).pid(),
                                   cluster->node(2).pid()};
  if (write(tell, pids.data(), sizeof(pids)) != sizeof(pids)) _exit(1);
  while (true) pause();
}

TEST(RedisCluster, LeavesNoProcessBehindEvenIfItsProgramIsKilled) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) startClusterAndWait(ends[1]);
  close(ends[1]);
  std::array<int, 3> pids{};
  ASSERT_EQ(read(ends[0], pids.data(), sizeof(pids)), static_cast<ssize_t>(sizeof(pids)));
  close(ends[0]);
  for (const int pid : pids) ASSERT_FALSE(isGone(pid));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  for (const int pid : pids) EXPECT_TRUE(eventually([&] { return isGone(pid); })) << pid;
}

}  // namespace
}  // namespace strata
