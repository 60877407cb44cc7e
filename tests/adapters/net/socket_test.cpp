// Socket and its resolver against servers on loopback.
#include "adapters/net/socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/net/loopback.h"

namespace strata::internal {
namespace {

using Hosts = absl::StatusOr<std::vector<std::string>>;

using absl::StatusCode;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Not;
using testing::StatusIs;

// The kernel opens no socket of this family, as one without IPv6 opens none of AF_INET6.
SocketAddress ofUnsupportedFamily() {
  SocketAddress address;
  address.storage.ss_family = AF_MAX;
  address.length = sizeof address.storage;
  return address;
}

// A client's socket and the server's side of it.
struct Pair {
  Pair() : socket(Socket::connect({&listener.address(), 1}, soon()).value()) {}

  const Listener listener;
  Socket socket;
  Peer peer = listener.accept();
  std::array<char, 16> buffer{};
};

// ---- Connecting ----

// Redis used to give up here, so that a host without IPv6 could not use the server's IPv4 address.
TEST(Socket, SkipsAnAddressWhoseFamilyTheSystemLacks) {
  const Listener listener;
  const std::vector<SocketAddress> addresses{ofUnsupportedFamily(), listener.address()};
  absl::StatusOr<Socket> socket = Socket::connect(addresses, soon());
  ASSERT_OK(socket);
  EXPECT_THAT(socket->sendSome("x"), IsOkAndHolds(1U));
  EXPECT_EQ(listener.accept().receive(1), "x");
}

TEST(Socket, SkipsAnAddressThatRefuses) {
  const Listener refusing(Listener::Answers::kRefuses);
  const Listener listener;
  const std::vector<SocketAddress> addresses{refusing.address(), listener.address()};
  EXPECT_OK(Socket::connect(addresses, soon()));
}

TEST(Socket, SaysWhyTheLastAddressFailed) {
  const Listener refusing(Listener::Answers::kRefuses);
  EXPECT_THAT(Socket::connect(std::vector{ofUnsupportedFamily(), refusing.address()}, soon()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("cannot connect: Connection refused")));
  EXPECT_THAT(Socket::connect(std::vector{refusing.address(), ofUnsupportedFamily()}, soon()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("cannot open a socket")));
  EXPECT_THAT(Socket::connect({}, soon()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("no address")));
}

// The first address had all the time, and the second none.
TEST(Socket, TriesTheNextAddressWhileTheFirstDoesNotAnswer) {
  const Listener dead(Listener::Answers::kNever);
  const Listener listener;
  std::vector<SocketAddress> addresses{dead.address(), dead.address(), listener.address()};
  absl::StatusOr<Socket> socket = Socket::connectToOneOf(addresses, soon());
  ASSERT_OK(socket);
  EXPECT_THAT(socket->sendSome("x"), IsOkAndHolds(1U));
  EXPECT_EQ(listener.accept().receive(1), "x");
  EXPECT_EQ(addresses.size(), 2U) << "they may answer another time";
}

TEST(Socket, SharesAShortTimeAmongItsAddresses) {
  const Listener dead(Listener::Answers::kNever);
  const Listener listener;
  const std::vector<SocketAddress> addresses{dead.address(), listener.address()};
  // Less than the delay that the RFC recommends. A busy machine may need more than one attempt.
  EXPECT_TRUE(testing::eventually(
      [&] { return Socket::connect(addresses, steady_clock::now() + milliseconds(200)).ok(); }));
}

TEST(Socket, GivesUpWhenNoAddressAnswersInTime) {
  const Listener dead(Listener::Answers::kNever);
  const std::vector<SocketAddress> addresses{dead.address(), dead.address()};
  const IoTime until = steady_clock::now() + milliseconds(50);
  EXPECT_THAT(Socket::connect(addresses, until), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_GE(steady_clock::now(), until);
}

TEST(Socket, ConnectsToAUnixSocket) {
  const std::string path = ::testing::TempDir() + "strata_socket_test_" + std::to_string(getpid());
  const absl::StatusOr<SocketAddress> address = unixSocketAddress(path);
  ASSERT_OK(address);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_THAT(Socket::connect({&*address, 1}, soon()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("cannot connect")));
  ASSERT_EQ(::bind(listening, address->get(), address->length), 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  absl::StatusOr<Socket> socket = Socket::connect({&*address, 1}, soon());
  ASSERT_OK(socket);
  EXPECT_THAT(socket->sendSome("x"), IsOkAndHolds(1U));
  EXPECT_EQ(Peer(::accept(listening, nullptr, nullptr)).receive(1), "x");
  ::close(listening);
  ::unlink(path.c_str());
}

TEST(Resolver, FindsTheAddressesOfAHost) {
  const absl::StatusOr<std::vector<SocketAddress>> addresses =
      Resolver::system().resolve("127.0.0.1", 6379, soon());
  ASSERT_OK(addresses);
  ASSERT_EQ(addresses->size(), 1U);
  EXPECT_EQ(addresses->front().family(), AF_INET);
  EXPECT_EQ(addresses->front().length, sizeof(sockaddr_in));
  EXPECT_THAT(Resolver::system().resolve("localhost", 6379, soon()), IsOkAndHolds(Not(IsEmpty())));
}

TEST(Resolver, RefusesWhatIsNoName) {
  // No label of a name has more than 63 characters, so that no name server is asked.
  EXPECT_THAT(Resolver::system().resolve(std::string(200, 'x'), 6379, soon()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("cannot resolve the host")));
  EXPECT_THAT(unixSocketAddress(std::string(sizeof(sockaddr_un::sun_path), 'x')),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("too long")));
  EXPECT_OK(unixSocketAddress(std::string(sizeof(sockaddr_un::sun_path) - 1, 'x')));
}

TEST(Resolver, AsksTheFunctionItIsGivenForNamesAlone) {
  std::atomic<int> asked = 0;
  Resolver resolver([&](const std::string& host) -> Hosts {
    ++asked;
    if (host == "nobody.test") return std::vector<std::string>{};
    if (host == "broken.test") return absl::InternalError("no directory");
    if (host == "thrown.test") throw std::runtime_error("no directory");
    return std::vector<std::string>{"127.0.0.7", "not an address", "::1"};
  });
  EXPECT_THAT(resolver.resolve("127.0.0.1", 80, soon()), IsOkAndHolds(::testing::SizeIs(1)));
  EXPECT_EQ(asked, 0);
  const auto found = resolver.resolve("somebody.test", 80, soon());
  ASSERT_THAT(found, IsOkAndHolds(::testing::SizeIs(2)));
  EXPECT_EQ(found->front().family(), AF_INET);
  EXPECT_EQ(found->back().family(), AF_INET6);
  for (const char* const host : {"nobody.test", "broken.test", "thrown.test"}) {
    EXPECT_THAT(resolver.resolve(host, 80, soon()), StatusIs(StatusCode::kUnavailable));
  }
}

// What a program's own function had put into its status was lost on the way to the callers.
TEST(Resolver, KeepsThePayloadsOfAFailureForEveryCaller) {
  Resolver resolver([](const std::string& /*host*/) -> Hosts {
    absl::Status failed = absl::InternalError("no directory");
    failed.SetPayload("example.com/ticket", absl::Cord("17"));
    return failed;
  });
  const auto found = resolver.resolve("somebody.test", 80, soon());
  EXPECT_EQ(found.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(found.status().GetPayload("example.com/ticket"), absl::Cord("17"));
}

// A caller waited for as long as the name servers did not answer.
TEST(Resolver, DoesNotWaitForANameBeyondItsTime) {
  std::latch let_go(1);
  std::atomic<int> asked = 0;
  Resolver resolver([&](const std::string& host) -> Hosts {
    ++asked;
    if (host == "stuck.test") let_go.wait();
    return std::vector<std::string>{"127.0.0.1"};
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(resolver.resolve("stuck.test", 80, steady_clock::now() + milliseconds(20)),
                StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("not resolved in time")));
  }
  EXPECT_EQ(asked, 1) << "they wait for the same answer";
  EXPECT_OK(resolver.resolve("other.test", 80, soon())) << "which keeps nobody else";
  let_go.count_down();
  EXPECT_OK(resolver.resolve("stuck.test", 80, soon()));
}

TEST(Resolver, LooksUpSoManyNamesAtOnceAndNoMore) {
  std::latch let_go(1);
  {
    Resolver resolver([&](const std::string&) -> Hosts {
      let_go.wait();
      return std::vector<std::string>{"127.0.0.1"};
    });
    for (int i = 0; i < 16; ++i) {
      EXPECT_THAT(resolver.resolve(std::to_string(i) + ".test", 80, steady_clock::now()),
                  StatusIs(StatusCode::kDeadlineExceeded));
    }
    EXPECT_THAT(resolver.resolve("17.test", 80, soon()), StatusIs(StatusCode::kResourceExhausted));
  }
  // What comes now comes to nobody.
  let_go.count_down();
}

// ---- Closing ----

TEST(Socket, EndsInGoodOrderUnlessItDiscards) {
  for (const bool discards : {false, true}) {
    Pair pair;
    if (discards) pair.socket.discardOnClose();
    { const Socket closed = std::move(pair.socket); }
    EXPECT_EQ(pair.peer.receiveEnd(), discards ? ECONNRESET : 0);
  }
}

TEST(Socket, TellsAnEndInGoodOrderFromABrokenConnection) {
  Pair closed;
  closed.peer.close();
  EXPECT_THAT(closed.socket.receive(closed.buffer.data(), 1, soon()),
              StatusIs(StatusCode::kOutOfRange, "the server closed the connection"));
  Pair broken;
  broken.peer.reset();
  EXPECT_THAT(broken.socket.receive(broken.buffer.data(), 1, soon()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("receiving")));
  EXPECT_THAT(broken.socket.sendSome("x"),
              StatusIs(StatusCode::kUnavailable, HasSubstr("sending")));
}

TEST(Socket, ShutdownEndsTheWaitOfAnotherThread) {
  Pair pair;
  absl::Status received;
  std::thread waiting(
      [&] { received = pair.socket.receive(pair.buffer.data(), 1, soon()).status(); });
  pair.socket.shutdown();
  waiting.join();
  EXPECT_THAT(received, StatusIs(StatusCode::kOutOfRange));
}

// ---- Waiting ----

TEST(Socket, WaitsNoLongerThanItIsTold) {
  Pair pair;
  const IoTime until = steady_clock::now() + milliseconds(20);
  EXPECT_THAT(pair.socket.receive(pair.buffer.data(), 1, until),
              StatusIs(StatusCode::kDeadlineExceeded, "no answer in time"));
  EXPECT_GE(steady_clock::now(), until);
  EXPECT_THAT(pair.socket.receiveNow(pair.buffer.data(), 1),
              StatusIs(StatusCode::kDeadlineExceeded));
  pair.peer.send("x");
  EXPECT_THAT(pair.socket.receive(pair.buffer.data(), 16, soon()), IsOkAndHolds(1U));
}

TEST(Socket, ReceivesPatientlyForAsLongAsItsPatience) {
  Pair pair;
  EXPECT_THAT(pair.socket.receivePatiently(pair.buffer.data(), 1),
              StatusIs(StatusCode::kDeadlineExceeded))
      << "without patience";
  ASSERT_OK(pair.socket.setPatience(milliseconds(20)));
  const IoTime started = steady_clock::now();
  EXPECT_THAT(pair.socket.receivePatiently(pair.buffer.data(), 1),
              StatusIs(StatusCode::kDeadlineExceeded, "no answer in time"));
  EXPECT_GE(steady_clock::now(), started + milliseconds(15)) << "the kernel counts in ticks";
  pair.peer.send("x");
  EXPECT_THAT(pair.socket.receivePatiently(pair.buffer.data(), 16), IsOkAndHolds(1U));
}

TEST(Socket, PatienceMakesNothingElseWait) {
  Pair pair;
  ASSERT_OK(pair.socket.setPatience(hours(1)));
  EXPECT_THAT(pair.socket.receiveNow(pair.buffer.data(), 1),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(pair.socket.receive(pair.buffer.data(), 1, steady_clock::now()),
              StatusIs(StatusCode::kDeadlineExceeded));
  const std::string much(1U << 20U, 'x');
  while (pair.socket.sendSome(much).value() > 0) {
  }
}

TEST(Socket, AWaitEndsWhenItIsInterrupted) {
  Pair pair;
  const int interrupt = eventfd(1, EFD_CLOEXEC);
  pair.socket.interruptBy(interrupt);
  EXPECT_THAT(pair.socket.receive(pair.buffer.data(), 1, steady_clock::now() + hours(1)),
              StatusIs(StatusCode::kDeadlineExceeded));
  pair.peer.send("x");
  EXPECT_OK(pair.socket.await(/*or_sent=*/false, soon()));
  EXPECT_THAT(pair.socket.receive(pair.buffer.data(), 1, soon()), IsOkAndHolds(1U));
  ::close(interrupt);
}

TEST(Socket, IsQuietUntilSomethingComes) {
  Pair pair;
  EXPECT_TRUE(pair.socket.isQuiet());
  pair.peer.send("x");
  ASSERT_OK(pair.socket.await(/*or_sent=*/false, soon()));
  EXPECT_FALSE(pair.socket.isQuiet());
  ASSERT_OK(pair.socket.receiveNow(pair.buffer.data(), 1));
  EXPECT_TRUE(pair.socket.isQuiet());
  pair.peer.close();
  ASSERT_OK(pair.socket.await(/*or_sent=*/false, soon()));
  EXPECT_FALSE(pair.socket.isQuiet()) << "an end shows too";
}

}  // namespace
}  // namespace strata::internal
