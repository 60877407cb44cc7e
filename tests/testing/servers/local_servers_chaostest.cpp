#include "strata/testing/servers/local_servers.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalPostgres;
using testing::LocalRedis;
using testing::LocalServers;
using testing::LocalServersOptions;
using ::testing::Optional;
using testing::StatusIs;
using testing::TcpProxy;

const std::string kRedisPing = "PING\r\n";
// PostgreSQL answers an SSLRequest with one byte, before any login.
const std::string kPostgresPing("\0\0\0\x08\x04\xd2\x16\x2f", 8);

// A client that knows no protocol.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  bool send(const std::string& text) {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // Whether something comes back within a moment.
  bool receives(int milliseconds) {
    timeval timeout{.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    std::array<char, 64> bytes{};
    return recv(socket_, bytes.data(), bytes.size(), 0) > 0;
  }
  bool isAnswered(const std::string& ping) { return send(ping) && receives(5000); }
  bool isLeftWaiting(const std::string& ping) { return send(ping) && !receives(100); }

 private:
  int socket_;
  bool connected_ = false;
};

bool answersNewClient(std::uint16_t port, const std::string& ping) {
  Client client(port);
  return client.connected() && client.isAnswered(ping);
}

// Whether the process is gone, or dead and only its parent has not looked.
bool isGone(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  return text.empty() || text.find(") Z ") != std::string::npos;
}

class LocalServersTest : public ::testing::Test {
 protected:
  static std::unique_ptr<LocalServers> started(LocalServersOptions options) {
    auto servers = LocalServers::start(std::move(options));
    EXPECT_THAT(servers, IsOk());
    return servers.ok() ? *std::move(servers) : nullptr;
  }
};

TEST_F(LocalServersTest, PostgresRunsSqlInAFreshDatabase) {
  auto servers = started({.postgres = true, .postgres_settings = {{"work_mem", "8MB"}}});
  ASSERT_NE(servers, nullptr);
  LocalPostgres& postgres = servers->postgres();
  ASSERT_OK_AND_ASSIGN(std::string url, postgres.createDatabase("one test's own"));
  EXPECT_THAT(url, HasSubstr("postgresql://strata:"));
  EXPECT_THAT(url, HasSubstr("@127.0.0.1:" + std::to_string(postgres.port())));
  EXPECT_THAT(postgres.query("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, NULL);"
                             "SELECT a, b FROM t",
                             "one test's own"),
              IsOkAndHolds(ElementsAre(ElementsAre(Optional(std::string("1")), std::nullopt))));
  EXPECT_THAT(postgres.query("SHOW work_mem"),
              IsOkAndHolds(ElementsAre(ElementsAre(Optional(std::string("8MB"))))));
  EXPECT_THAT(postgres.query("SELECT * FROM t"), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(LocalServersTest, CreatingADatabaseAgainEmptiesIt) {
  LocalPostgres& postgres = testing::sharedServers().postgres();
  ASSERT_THAT(postgres.createDatabase("again"), IsOk());
  ASSERT_THAT(postgres.query("CREATE TABLE t (a int)", "again"), IsOk());
  ASSERT_THAT(postgres.createDatabase("again"), IsOk());
  EXPECT_THAT(postgres.query("SELECT a FROM t", "again"), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(LocalServersTest, TwoAtOnceDoNotMeet) {
  auto one = started({.redis = true});
  auto two = started({.redis = true});
  ASSERT_TRUE(one != nullptr && two != nullptr);
  EXPECT_NE(one->redis().port(), two->redis().port());
  EXPECT_NE(one->folder(), two->folder());
  ASSERT_THAT(one->redis().command({"SET", "key", "value"}), IsOk());
  EXPECT_THAT(two->redis().command({"GET", "key"}), IsOkAndHolds(IsEmpty()));
}

TEST_F(LocalServersTest, RedisTakesArgumentsAndAPassword) {
  auto servers = started(
      {.redis = true, .redis_args = {"--maxmemory", "7mb"}, .redis_password = "open sesame"});
  ASSERT_NE(servers, nullptr);
  EXPECT_THAT(servers->redis().url(), HasSubstr("redis://:open sesame@127.0.0.1:"));
  EXPECT_THAT(servers->redis().command({"CONFIG", "GET", "maxmemory"}),
              IsOkAndHolds("maxmemory\n7340032"));
  EXPECT_TRUE(std::filesystem::exists(servers->redis().socketPath()));
}

TEST_F(LocalServersTest, AnArgumentThatRedisRefusesIsAnErrorThatQuotesItsLog) {
  EXPECT_THAT(LocalServers::start({.redis = true, .redis_args = {"--no-such-thing", "1"}}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("no-such-thing")));
}

TEST_F(LocalServersTest, RedisKeepsAcrossARestartOnlyWhatWasSaved) {
  auto servers = started({.redis = true});
  ASSERT_NE(servers, nullptr);
  LocalRedis& redis = servers->redis();
  const std::uint16_t port = redis.port();
  ASSERT_THAT(redis.command({"SET", "saved", "1"}), IsOk());
  ASSERT_OK(redis.save());
  ASSERT_THAT(redis.command({"SET", "lost", "1"}), IsOk());
  ASSERT_OK(redis.restart());
  EXPECT_EQ(redis.port(), port);
  EXPECT_THAT(redis.command({"KEYS", "*"}), IsOkAndHolds("saved"));

  ASSERT_OK(redis.kill());
  EXPECT_EQ(redis.pid(), 0);
  EXPECT_FALSE(Client(port).connected());
  ASSERT_OK(redis.dropSnapshot());
  ASSERT_OK(redis.start());
  EXPECT_THAT(redis.command({"KEYS", "*"}), IsOkAndHolds(IsEmpty()));
}

TEST_F(LocalServersTest, AFrozenRedisAcceptsAndAnswersLater) {
  auto servers = started({.redis = true});
  ASSERT_NE(servers, nullptr);
  ASSERT_OK(servers->redis().freeze());
  Client client(servers->redis().port());
  EXPECT_TRUE(client.connected());
  EXPECT_TRUE(client.isLeftWaiting(kRedisPing));
  ASSERT_OK(servers->redis().resume());
  EXPECT_TRUE(client.receives(5000));
}

TEST_F(LocalServersTest, AFrozenPostgresStopsItsBackendsToo) {
  auto servers = started({.postgres = true});
  ASSERT_NE(servers, nullptr);
  LocalPostgres& postgres = servers->postgres();
  Client connected_before(postgres.port());
  ASSERT_TRUE(connected_before.isAnswered(kPostgresPing));
  ASSERT_OK(postgres.freeze());
  EXPECT_TRUE(connected_before.isLeftWaiting(kPostgresPing));
  EXPECT_TRUE(Client(postgres.port()).isLeftWaiting(kPostgresPing));
  ASSERT_OK(postgres.resume());
  EXPECT_TRUE(answersNewClient(postgres.port(), kPostgresPing));
  EXPECT_THAT(postgres.query("SELECT 1"), IsOk());
}

TEST_F(LocalServersTest, PostgresComesBackOnItsPortWithItsRows) {
  auto servers = started({.postgres = true});
  ASSERT_NE(servers, nullptr);
  LocalPostgres& postgres = servers->postgres();
  const std::string url = postgres.url();
  ASSERT_THAT(postgres.query("CREATE TABLE t (a int); INSERT INTO t VALUES (1)"), IsOk());
  ASSERT_OK(postgres.restart());
  ASSERT_OK(postgres.kill());
  EXPECT_THAT(postgres.query("SELECT 1"), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK(postgres.start());
  EXPECT_EQ(postgres.url(), url);
  EXPECT_THAT(postgres.query("SELECT a FROM t"),
              IsOkAndHolds(ElementsAre(ElementsAre(Optional(std::string("1"))))));
}

TEST_F(LocalServersTest, ACutConnectionIsSilentUntilTheNetworkIsBack) {
  auto servers = started({.redis = true, .proxied = true});
  ASSERT_NE(servers, nullptr);
  LocalRedis& redis = servers->redis();
  Client open_before(redis.port());
  ASSERT_TRUE(open_before.isAnswered(kRedisPing));

  ASSERT_OK(redis.cutOff());
  EXPECT_TRUE(open_before.isLeftWaiting("SET late 1\r\n"));
  Client opened_while_cut(redis.port());
  EXPECT_TRUE(opened_while_cut.isLeftWaiting(kRedisPing));
  // The test itself still reaches the server, which has not seen the command.
  EXPECT_THAT(redis.command({"GET", "late"}), IsOkAndHolds(IsEmpty()));

  ASSERT_OK(redis.reconnect());
  EXPECT_TRUE(open_before.receives(5000));
  EXPECT_TRUE(opened_while_cut.receives(5000));
  EXPECT_THAT(redis.command({"GET", "late"}), IsOkAndHolds("1"));
}

TEST_F(LocalServersTest, RefusedConnectionsAreResetAndComeBackOnTheSamePort) {
  auto servers = started({.postgres = true, .redis = true, .proxied = true});
  ASSERT_NE(servers, nullptr);
  LocalRedis& redis = servers->redis();
  Client open_before(redis.port());
  ASSERT_TRUE(open_before.isAnswered(kRedisPing));

  ASSERT_OK(redis.cutOff(TcpProxy::Mode::kRefuse));
  EXPECT_FALSE(open_before.isAnswered(kRedisPing));
  EXPECT_FALSE(Client(redis.port()).connected());
  EXPECT_TRUE(answersNewClient(servers->postgres().port(), kPostgresPing));

  ASSERT_OK(redis.reconnect());
  EXPECT_TRUE(answersNewClient(redis.port(), kRedisPing));
}

TEST_F(LocalServersTest, AProxyCountsItsConnectionsAndResetsThem) {
  auto servers = started({.redis = true, .proxied = true});
  ASSERT_NE(servers, nullptr);
  TcpProxy& proxy = *servers->redis().proxy();
  Client client(proxy.port());
  ASSERT_TRUE(client.isAnswered(kRedisPing));
  EXPECT_EQ(proxy.openConnections(), 1U);
  proxy.resetConnections();
  EXPECT_FALSE(client.isAnswered(kRedisPing));
  {
    Client short_lived(proxy.port());
    EXPECT_TRUE(short_lived.isAnswered(kRedisPing));
  }
  EXPECT_TRUE(eventually([&] { return proxy.openConnections() == 0; }));
  EXPECT_EQ(proxy.acceptedConnections(), 2U);
}

TEST_F(LocalServersTest, WhatTheStateForbidsIsAnError) {
  auto servers = started({.redis = true});
  ASSERT_NE(servers, nullptr);
  const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(servers->redis().start(), refused);
  EXPECT_THAT(servers->redis().cutOff(), refused);
  ASSERT_OK(servers->redis().stop());
  EXPECT_THAT(servers->redis().stop(), refused);
  EXPECT_THAT(servers->redis().freeze(), refused);
}

TEST_F(LocalServersTest, DestroyingThemEndsTheServersAndRemovesTheFolder) {
  auto servers = started({.postgres = true, .redis = true});
  ASSERT_NE(servers, nullptr);
  const std::string folder = servers->folder();
  const int postgres = servers->postgres().pid();
  const int redis = servers->redis().pid();
  ASSERT_OK(servers->postgres().freeze());
  servers.reset();
  EXPECT_TRUE(isGone(postgres));
  EXPECT_TRUE(isGone(redis));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

// What a child process tells about the servers it has started.
struct Started {
  int postgres = 0;
  int redis = 0;
  std::array<char, 256> folder{};
};

// A fork of this program that starts servers, tells about them and waits for its end.
[[noreturn]] void startServersAndWait(int tell) {
  auto servers = LocalServers::start({.postgres = true, .redis = true});
  if (!servers.ok() || !(*servers)->redis().freeze().ok()) _exit(1);
  Started about{.postgres = (*servers)->postgres().pid(), .redis = (*servers)->redis().pid()};
  (*servers)->folder().copy(about.folder.data(), about.folder.size() - 1);
  if (write(tell, &about, sizeof(about)) != sizeof(about)) _exit(1);
  while (true) pause();
}

TEST_F(LocalServersTest, TheServersOfAKilledProgramEndAndTheirFolderGoes) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) startServersAndWait(ends[1]);
  close(ends[1]);
  Started started;
  ASSERT_EQ(read(ends[0], &started, sizeof(started)), static_cast<ssize_t>(sizeof(started)));
  close(ends[0]);
  const std::string folder = started.folder.data();
  ASSERT_TRUE(std::filesystem::exists(folder));
  ASSERT_FALSE(isGone(started.postgres));

  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);

  EXPECT_TRUE(eventually([&] { return isGone(started.postgres) && isGone(started.redis); }));
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(folder); }));
}

TEST_F(LocalServersTest, AForkOfTheProgramDoesNotEndItsServers) {
  auto servers = started({.redis = true});
  ASSERT_NE(servers, nullptr);
  const pid_t child = fork();
  if (child == 0) {
    servers.reset();
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_THAT(servers->redis().command({"PING"}), IsOkAndHolds("PONG"));
}

}  // namespace
}  // namespace strata
