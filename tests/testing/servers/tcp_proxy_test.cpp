#include "strata/testing/servers/tcp_proxy.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
// Not netinet/tcp.h, whose tcp_info is older.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "strata/base/clock.h"
#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::eventually;
using testing::IsOk;
using testing::TcpProxy;
using How = testing::TcpProxy::How;
using Mode = testing::TcpProxy::Mode;
using Way = testing::TcpProxy::Way;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

enum class End { kOpen, kFin, kReset };

// One end of a connection.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {
    const timeval timeout{.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  Peer(Peer&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  Peer& operator=(Peer&&) = delete;
  ~Peer() {
    if (socket_ >= 0) close(socket_);
  }

  void send(const std::string& text) {
    EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void sendEnd() { shutdown(socket_, SHUT_WR); }

  // Waits for so many bytes, or for the end if that is earlier.
  std::string receive(std::size_t count) {
    std::string bytes(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const ssize_t received = recv(socket_, bytes.data() + have, count - have, 0);
      if (received <= 0) break;
      have += static_cast<std::size_t>(received);
    }
    bytes.resize(have);
    return bytes;
  }

  // Waits for the end of the connection; kOpen: something else came, or nothing.
  End end() {
    char byte = 0;
    const ssize_t received = recv(socket_, &byte, 1, 0);
    if (received == 0) return End::kFin;
    return received < 0 && errno == ECONNRESET ? End::kReset : End::kOpen;
  }

  // Whether nothing comes within a moment.
  bool hearsNothing() {
    pollfd polled{socket_, POLLIN, 0};
    return poll(&polled, 1, 50) == 0;
  }

  // In how many packets with data the bytes came.
  unsigned packets() {
    tcp_info info{};
    socklen_t size = sizeof(info);
    EXPECT_EQ(getsockopt(socket_, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info.tcpi_data_segs_in;
  }

 private:
  int socket_;
};

class Listener {
 public:
  Listener() {
    socklen_t size = sizeof(address_);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }
  ~Listener() { close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const { return ntohs(address_.sin_port); }
  Peer accept() const { return Peer(accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC)); }

 private:
  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address_ = loopback(0);
};

class TcpProxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto proxy = TcpProxy::start(listener_.port());
    ASSERT_THAT(proxy, IsOk());
    proxy_ = *std::move(proxy);
  }

  TcpProxy& proxy() { return *proxy_; }

  // Null if it is refused.
  std::unique_ptr<Peer> connectThroughProxy() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto peer = std::make_unique<Peer>(socket);
    const sockaddr_in address = loopback(proxy().port());
    const bool connected =
        connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    return connected ? std::move(peer) : nullptr;
  }
  Peer acceptFromProxy() { return listener_.accept(); }

  struct Ends {
    std::unique_ptr<Peer> client;
    Peer server;
  };
  // A connection that works.
  Ends connected() {
    auto client = connectThroughProxy();
    Ends ends{std::move(client), acceptFromProxy()};
    ends.client->send("?");
    EXPECT_EQ(ends.server.receive(1), "?");
    return ends;
  }

 private:
  const Listener listener_;
  std::unique_ptr<TcpProxy> proxy_;
};

// How long it takes until `count` bytes are there.
absl::Duration timeToReceive(Peer& peer, const std::string& expected) {
  const MonotonicTime start = Clock::system().now();
  EXPECT_EQ(peer.receive(expected.size()), expected);
  return Clock::system().now() - start;
}

TEST_F(TcpProxyTest, CarriesBytesBothWaysAndTheEndOfEach) {
  auto [client, server] = connected();
  client->send("request");
  EXPECT_EQ(server.receive(7), "request");
  client->sendEnd();
  EXPECT_EQ(server.end(), End::kFin);
  server.send("reply");
  server.sendEnd();
  EXPECT_EQ(client->receive(100), "reply");
  EXPECT_TRUE(eventually([&] { return proxy().openConnections() == 0; }));
}

TEST_F(TcpProxyTest, DelaysOneWay) {
  auto [client, server] = connected();
  proxy().setDelay(Way::kToClient, absl::Milliseconds(80));
  server.send("reply");
  EXPECT_GE(timeToReceive(*client, "reply"), absl::Milliseconds(70));
  proxy().setDelay(Way::kToServer, absl::Milliseconds(80));
  client->send("request");
  EXPECT_GE(timeToReceive(server, "request"), absl::Milliseconds(70));
}

TEST_F(TcpProxyTest, DelaysTheEndOfAConnectionToo) {
  auto [client, server] = connected();
  proxy().setDelay(Way::kToClient, absl::Milliseconds(80));
  const MonotonicTime start = Clock::system().now();
  server.sendEnd();
  EXPECT_EQ(client->end(), End::kFin);
  EXPECT_GE(Clock::system().now() - start, absl::Milliseconds(70));
}

TEST_F(TcpProxyTest, KeepsTheOrderWhenTheDelayGetsShorter) {
  auto [client, server] = connected();
  proxy().setDelay(Way::kToServer, absl::Milliseconds(50));
  client->send("first ");
  // The round in which it accepts another client is one in which it has also read this.
  const auto another = connectThroughProxy();
  ASSERT_TRUE(eventually([&] { return proxy().acceptedConnections() == 2; }));
  proxy().setDelay(Way::kToServer, absl::ZeroDuration());
  client->send("second");
  EXPECT_EQ(server.receive(12), "first second");
}

// The sender would block if the proxy took no more than a socket buffer holds.
TEST_F(TcpProxyTest, ADelayDoesNotLimitTheBandwidth) {
  auto [client, server] = connected();
  proxy().setDelay(Way::kToServer, absl::Milliseconds(50));
  std::string much;
  for (int i = 0; much.size() < std::size_t{16} * 1024 * 1024; ++i) much += std::to_string(i);
  client->send(much);
  EXPECT_TRUE(server.receive(much.size()) == much);
}

TEST_F(TcpProxyTest, IsSilentToTheServerOnly) {
  auto [client, server] = connected();
  proxy().setSilent(Way::kToServer, true);
  client->send("late");
  EXPECT_TRUE(server.hearsNothing());
  server.send("news");
  EXPECT_EQ(client->receive(4), "news");
  proxy().setSilent(Way::kToServer, false);
  EXPECT_EQ(server.receive(4), "late");
}

TEST_F(TcpProxyTest, IsSilentToTheClientOnly) {
  auto [client, server] = connected();
  proxy().setSilent(Way::kToClient, true);
  client->send("request");
  EXPECT_EQ(server.receive(7), "request");
  server.send("reply");
  EXPECT_TRUE(client->hearsNothing());
  // Connections that are made meanwhile are no better off.
  const auto another = connectThroughProxy();
  Peer its_server = acceptFromProxy();
  its_server.send("welcome");
  EXPECT_TRUE(another->hearsNothing());
  proxy().setSilent(Way::kToClient, false);
  EXPECT_EQ(client->receive(5), "reply");
  EXPECT_EQ(another->receive(7), "welcome");
}

TEST_F(TcpProxyTest, TricklesByteByByte) {
  auto [client, server] = connected();
  const std::string text(300, 'x');
  const unsigned before = server.packets();
  proxy().setTrickle(Way::kToServer, true);
  client->send(text);
  EXPECT_EQ(server.receive(text.size()), text);
  // The kernel may put bytes together that the receiver has not acknowledged.
  EXPECT_GE(server.packets() - before, 8U);
}

TEST_F(TcpProxyTest, CutsInsideAReplyWithAReset) {
  auto [client, server] = connected();
  proxy().cutAfter(Way::kToClient, 3, How::kReset);
  client->send("PING");
  EXPECT_EQ(server.receive(4), "PING");
  server.send("+PONG");
  EXPECT_EQ(client->receive(3), "+PO");
  EXPECT_EQ(client->end(), End::kReset);
  EXPECT_EQ(server.end(), End::kReset);
}

TEST_F(TcpProxyTest, CutsInsideARequestInOrder) {
  auto [client, server] = connected();
  proxy().cutAfter(Way::kToServer, 3, How::kFin);
  client->send("P");
  EXPECT_EQ(server.receive(1), "P");
  client->send("ING and more");
  EXPECT_EQ(server.receive(100), "IN");
  EXPECT_EQ(client->end(), End::kFin);
}

TEST_F(TcpProxyTest, LosesAReplyWholeAndEveryConnectionWithItOnce) {
  auto [client, server] = connected();
  auto [bystander, its_server] = connected();
  proxy().cutAfter(Way::kToClient, 0, How::kFin);
  client->send("request");
  EXPECT_EQ(server.receive(7), "request");
  server.send("reply");
  EXPECT_EQ(client->end(), End::kFin);
  EXPECT_EQ(server.end(), End::kFin);
  EXPECT_EQ(bystander->end(), End::kFin);
  EXPECT_EQ(its_server.end(), End::kFin);

  auto [next, next_server] = connected();
  next_server.send("reply");
  EXPECT_EQ(next->receive(5), "reply");
}

TEST_F(TcpProxyTest, ClosesInOrderThoughBytesAreUnderWay) {
  auto [client, server] = connected();
  proxy().setSilent(Way::kToServer, true);
  client->send("unread");
  proxy().closeConnections(How::kFin);
  EXPECT_EQ(proxy().openConnections(), 0U);
  EXPECT_EQ(client->end(), End::kFin);
  EXPECT_EQ(server.end(), End::kFin);
  // It goes on listening to those that do not close yet, so that they are not reset.
  client->send("more");
  server.send("more");
  EXPECT_EQ(client->end(), End::kFin);
}

TEST_F(TcpProxyTest, ClosesWithAReset) {
  auto [client, server] = connected();
  proxy().closeConnections(How::kReset);
  EXPECT_EQ(client->end(), End::kReset);
  EXPECT_EQ(server.end(), End::kReset);
}

TEST_F(TcpProxyTest, FaultsWorkTogether) {
  auto [client, server] = connected();
  proxy().setDelay(Way::kToClient, absl::Milliseconds(50));
  proxy().setTrickle(Way::kToClient, true);
  proxy().cutAfter(Way::kToClient, 4, How::kReset);
  server.send("a reply");
  EXPECT_GE(timeToReceive(*client, "a re"), absl::Milliseconds(40));
  EXPECT_EQ(client->end(), End::kReset);
}

TEST_F(TcpProxyTest, HealingEndsEveryFault) {
  auto [client, server] = connected();
  proxy().cutAfter(Way::kToServer, 0, How::kReset);
  proxy().setSilent(Way::kToServer, true);
  proxy().setTrickle(Way::kToServer, true);
  proxy().setMode(Mode::kSilent);
  client->send("late");
  EXPECT_TRUE(server.hearsNothing());
  proxy().heal();
  EXPECT_EQ(server.receive(4), "late");
  server.send("reply");
  EXPECT_EQ(client->receive(5), "reply");
}

TEST_F(TcpProxyTest, AcceptsAndHangs) {
  proxy().setMode(Mode::kSilent);
  const auto client = connectThroughProxy();
  ASSERT_NE(client, nullptr);
  client->send("anybody there?");
  EXPECT_TRUE(client->hearsNothing());
  EXPECT_EQ(proxy().acceptedConnections(), 0U);
  proxy().setMode(Mode::kForward);
  EXPECT_EQ(acceptFromProxy().receive(14), "anybody there?");
}

TEST_F(TcpProxyTest, RefusesAndComesBackOnItsPort) {
  auto [client, server] = connected();
  proxy().setMode(Mode::kRefuse);
  EXPECT_EQ(client->end(), End::kReset);
  EXPECT_EQ(connectThroughProxy(), nullptr);
  proxy().heal();
  auto [next, its_server] = connected();
  EXPECT_EQ(proxy().openConnections(), 1U);
}

// The ends of those that were closed in order stay for a minute, and held the port.
TEST_F(TcpProxyTest, ComesBackOnItsPortAlsoAfterConnectionsWereClosedInOrder) {
  {
    auto [client, server] = connected();
    proxy().closeConnections(TcpProxy::How::kFin);
    EXPECT_EQ(client->end(), End::kFin);
  }
  EXPECT_TRUE(eventually([&] { return proxy().openConnections() == 0; }));
  proxy().setMode(Mode::kRefuse);
  proxy().heal();
  auto [client, server] = connected();
  client->send("still there");
  EXPECT_EQ(server.receive(11), "still there");
}

TEST_F(TcpProxyTest, WhatRefusedTwiceComesBackAsIfOnce) {
  proxy().setMode(Mode::kRefuse);
  proxy().setMode(Mode::kRefuse);
  proxy().setMode(Mode::kForward);
  auto [client, server] = connected();
  EXPECT_TRUE(server.hearsNothing());
  client->send("still there");
  EXPECT_EQ(server.receive(11), "still there");
}

TEST_F(TcpProxyTest, ForgetsWhatIsOpenAndServesWhatIsNew) {
  auto [client, server] = connected();
  proxy().forgetConnections();
  EXPECT_EQ(proxy().openConnections(), 0U);
  client->send("lost");
  server.send("lost too");
  auto [next, its_server] = connected();
  next->send("heard");
  EXPECT_EQ(its_server.receive(5), "heard");
  EXPECT_TRUE(server.hearsNothing());
  EXPECT_TRUE(client->hearsNothing());
  proxy().heal();
  EXPECT_TRUE(server.hearsNothing()) << "they are lost for good";
  proxy().resetConnections();
  EXPECT_EQ(client->end(), End::kReset);
}

TEST_F(TcpProxyTest, LeadsNewConnectionsSomewhereElse) {
  auto [client, server] = connected();
  const Listener elsewhere;
  proxy().retarget(elsewhere.port());
  const auto next = connectThroughProxy();
  ASSERT_NE(next, nullptr);
  Peer its_server = elsewhere.accept();
  next->send("new");
  EXPECT_EQ(its_server.receive(3), "new");
  client->send("old");
  EXPECT_EQ(server.receive(3), "old");
}

}  // namespace
}  // namespace strata
