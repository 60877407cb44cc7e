// The server of the example service, without the service: what one client may hold, and for how long.
#include "examples/copilot_server/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "examples/copilot_server/address_bounds.h"
#include "examples/copilot_server/file_limit.h"
#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"
#include "tests/examples/http_client.h"

namespace copilot {
namespace {

using strata::testing::eventually;
using strata::testing::IsOk;
using strata::testing::RawConnection;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::size_t kLarge = 32U << 20U;
constexpr std::size_t kSome = 2U << 20U;

// Admits all but /refused; answers with the body, and to /large with a large one.
class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpServerOptions options = {}) {
    options.port = 0;
    options.lane = [](const Request& request) {
      return request.path == "/livez" ? Lane::kAtOnce : Lane::kWork;
    };
    options.admit = [](const Request& request) -> Admission {
      if (request.path == "/refused") {
        return {.refusal = std::make_shared<Response>(Response{.status = 401})};
      }
      return {.handle =
                  [](const Request& whole) {
                    if (whole.path == "/some") return Response{.body = std::string(kSome, 'x')};
                    return Response{.body = whole.path == "/large" ? std::string(kLarge, 'x')
                                                                   : whole.body};
                  },
              .address = request.peer};
    };
    auto started = HttpServer::start(std::move(options));
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
  }
  void TearDown() override {
    const bool has_ended = server_ == nullptr || server_->drain(absl::Seconds(20));
    EXPECT_TRUE(has_ended);
  }
  std::string answerTo(const std::string& request) const {
    const RawConnection connection(server_->port());
    connection.send(request);
    return connection.readAll();
  }

  std::unique_ptr<HttpServer> server_;
};

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
}

std::string put(const std::string& path, std::size_t size, const std::string& more = "") {
  return "PUT " + path +
         " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: " + std::to_string(size) +
         "\r\n" + more + "\r\n";
}

// A client that reads only when it is told to.
class SlowReader {
 public:
  explicit SlowReader(std::uint16_t port, const std::string& requests = get("/large"))
      : connection_(port) {
    const int size = 64 << 10;
    setsockopt(connection_.socket(), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    connection_.send(requests);
  }
  std::size_t take(std::size_t bytes) const {
    std::string part(bytes, '\0');
    const ssize_t got = recv(connection_.socket(), part.data(), part.size(), 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  // As the system sees it: 1 is established.
  bool isServed() const {
    sockaddr_in own{};
    socklen_t size = sizeof(own);
    getsockname(connection_.socket(), reinterpret_cast<sockaddr*>(&own), &size);
    std::ifstream table("/proc/net/tcp");
    for (std::string line; std::getline(table, line);) {
      unsigned remote_port = 0;
      unsigned state = 0;
      const int found = std::sscanf(line.c_str(), "%*d: %*x:%*x %*x:%x %x", &remote_port, &state);
      if (found == 2 && remote_port == ntohs(own.sin_port)) return state == 1;
    }
    return false;
  }

 private:
  RawConnection connection_;
};

// A megabyte was read of everybody, before it was known who asked.
TEST_F(HttpServerTest, ReadsNoBodyOfARequestThatItDoesNotAdmit) {
  start();
  const RawConnection connection(server_->port());
  connection.send(put("/refused", 100, "Expect: 100-continue\r\n"));
  connection.endSending();
  const std::string answer = connection.readAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answerTo(put("/echo", 2, "Expect: 100-continue\r\n") + "ab"),
              StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "));
}

TEST_F(HttpServerTest, GivesAnAddressSoManyConnections) {
  start({.connections_per_address = 2});
  auto first = std::make_unique<RawConnection>(server_->port());
  const RawConnection second(server_->port());
  EXPECT_EQ(RawConnection(server_->port()).readAll(), "");
  first = nullptr;
  EXPECT_TRUE(eventually([&] { return !answerTo(get("/echo")).empty(); }));
}

TEST_F(HttpServerTest, DoesNotCountConnectionsOfANamedProxy) {
  start({.connections_per_address = 1, .proxies = *AddressSet::parse("127.0.0.1")});
  const RawConnection first(server_->port());
  EXPECT_THAT(answerTo(get("/echo")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, GivesAnAddressSoManyBytesOfBodies) {
  start({.bytes_per_address = 10});
  const RawConnection half(server_->port());
  half.send(put("/echo", 8, "Expect: 100-continue\r\n") + "half");
  char first = 0;
  ASSERT_EQ(recv(half.socket(), &first, 1, 0), 1);  // of "100 Continue", which follows the count
  EXPECT_THAT(answerTo(put("/echo", 8) + "whatever"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answerTo(put("/echo", 2) + "ab"), StartsWith("HTTP/1.1 200 "));
  half.send("half");
  EXPECT_THAT(half.readAll(), HasSubstr("halfhalf"));
  EXPECT_TRUE(eventually(
      [&] { return answerTo(put("/echo", 8) + "whatever").starts_with("HTTP/1.1 200 "); }));
}

// A flood of connections took those of the probes too, and the orchestrator ended the process.
TEST_F(HttpServerTest, AnswersProbesWhileThereAreTooManyConnections) {
  start({.max_connections = 1,
         .reserved_connections = 1,
         .timeouts = {.probe = absl::Milliseconds(50)}});
  const RawConnection held(server_->port());
  EXPECT_THAT(answerTo("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(eventually([&] { return answerTo(get("/echo")).starts_with("HTTP/1.1 503 "); }));
  // One that says nothing does not hold it for long.
  EXPECT_TRUE(eventually([&] { return RawConnection(server_->port()).readAll().empty(); }));
  EXPECT_TRUE(eventually([&] { return answerTo(get("/livez")).starts_with("HTTP/1.1 200 "); }));
}

// The time was one for each of the first byte, the head and the body, and without end for an answer that
// is taken slowly.
TEST_F(HttpServerTest, GivesAReservedConnectionItsTimeForAllThatItDoes) {
  start({.max_connections = 1,
         .reserved_connections = 1,
         .timeouts = {.probe = absl::Milliseconds(50)}});
  const RawConnection held(server_->port());
  EXPECT_TRUE(eventually([&] { return answerTo(get("/echo")).starts_with("HTTP/1.1 503 "); }));
  // Not the first one where that before it is not gone yet.
  EXPECT_TRUE(eventually([&] {
    const RawConnection half(server_->port());
    half.send(
        "GET /livez HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    const std::size_t expected = std::string_view("HTTP/1.1 100 Continue\r\n\r\n").size();
    std::string got(expected, '\0');
    const ssize_t first = recv(half.socket(), got.data(), got.size(), MSG_WAITALL);
    return first == static_cast<ssize_t>(expected) && recv(half.socket(), got.data(), 1, 0) == 0;
  }));
  EXPECT_TRUE(eventually([&] { return answerTo(get("/livez")).starts_with("HTTP/1.1 200 "); }));
}

// In two segments it was refused, in one ignored.
TEST_F(HttpServerTest, IgnoresAnEmptyLineBeforeARequestHoweverItArrives) {
  start({.io_threads = 1});
  const RawConnection connection(server_->port());
  connection.send("\r");
  // By then the one thread has read what came before.
  EXPECT_THAT(answerTo(get("/echo")), StartsWith("HTTP/1.1 200 "));
  connection.send("\n" + get("/echo"));
  EXPECT_THAT(connection.readAll(), StartsWith("HTTP/1.1 200 "));
}

// Answers were counted by nothing, and are held for as long as their clients take something.
TEST_F(HttpServerTest, GivesAnAddressSoManyBytesOfAnswers) {
  start({.bytes_per_address = kLarge + kSome / 2});
  auto slow = std::make_unique<SlowReader>(server_->port());
  ASSERT_GT(slow->take(1), 0U);
  EXPECT_THAT(answerTo(get("/some")), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answerTo(get("/echo")), StartsWith("HTTP/1.1 200 "));
  slow = nullptr;
  EXPECT_TRUE(eventually([&] { return answerTo(get("/some")).starts_with("HTTP/1.1 200 "); }));
}

TEST_F(HttpServerTest, GivesAnAddressOneAnswerThatIsLargerThanItsBytes) {
  start({.bytes_per_address = 10});
  EXPECT_THAT(answerTo(get("/some")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, ClosesAConnectionThatSaysNothing) {
  start({.timeouts = {.idle = absl::Milliseconds(50), .read = absl::Milliseconds(50)}});
  EXPECT_EQ(RawConnection(server_->port()).readAll(), "");
  EXPECT_EQ(answerTo("GET /echo HTTP/1.1\r\nHost: h\r\n"), "");
  EXPECT_EQ(answerTo(put("/echo", 8) + "half"), "");
  EXPECT_EQ(answerTo("PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"),
            "");
}

TEST_F(HttpServerTest, CutsOffAClientThatTakesNothing) {
  start({.timeouts = {.write = absl::Milliseconds(100)}});
  const SlowReader reader(server_->port());
  EXPECT_TRUE(eventually([&] { return !reader.isServed(); }));
  std::size_t all = 0;
  for (std::size_t got = 1; got > 0; all += got) got = reader.take(1U << 20U);
  EXPECT_LT(all, kLarge);
}

// The whole answer had to be taken within the timeout.
TEST_F(HttpServerTest, GoesOnServingAClientThatTakesSomething) {
  start({.timeouts = {.idle = absl::Milliseconds(100), .write = absl::Seconds(2)}});
  const SlowReader reader(server_->port());
  std::size_t all = 0;
  // Connections that say nothing are the clock: each takes a tenth of a second.
  for (int tick = 0; tick < 30; ++tick) {
    all += reader.take(16U << 10U);
    EXPECT_EQ(RawConnection(server_->port()).readAll(), "");
  }
  EXPECT_TRUE(reader.isServed());
  for (std::size_t got = 1; got > 0; all += got) got = reader.take(1U << 20U);
  EXPECT_GT(all, kLarge);
}

// What the system keeps may be of an answer before, which a client that takes something takes first.
TEST_F(HttpServerTest, GoesOnServingAClientThatStillTakesTheAnswerBefore) {
  start({.timeouts = {.idle = absl::Milliseconds(100), .write = absl::Seconds(1)}});
  const SlowReader reader(server_->port(), "GET /some HTTP/1.1\r\nHost: h\r\n\r\n" + get("/large"));
  for (int tick = 0; tick < 25; ++tick) {
    reader.take(16U << 10U);
    EXPECT_EQ(RawConnection(server_->port()).readAll(), "");
  }
  EXPECT_TRUE(reader.isServed());
}

TEST(AddressBounds, AreGivenBack) {
  AddressBounds bounds(10);
  auto first = bounds.take("a", 6);
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(bounds.take("a", 5), nullptr);
  EXPECT_NE(bounds.take("b", 10), nullptr);
  EXPECT_EQ(bounds.take("b", 11), nullptr);
  first = nullptr;
  EXPECT_NE(bounds.take("a", 10), nullptr);
}

// Changes the limit of a child.
TEST(FileLimit, IsRaisedWhereTheSystemAllowsItAndRespectedWhereNot) {
  const auto fits = [](rlim_t soft, rlim_t hard, int wanted) {
    const rlimit limit{soft, hard};
    setrlimit(RLIMIT_NOFILE, &limit);
    return connectionsThatFit(wanted);
  };
  EXPECT_EXIT(_exit(fits(300, 300, 100) == 300 - kOtherFiles ? 0 : 1), ::testing::ExitedWithCode(0),
              "");
  EXPECT_EXIT(_exit(fits(300, 1000, 500) == 500 ? 0 : 1), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(fits(300, 400, 500) == 400 - kOtherFiles ? 0 : 1), ::testing::ExitedWithCode(0),
              "");
  EXPECT_EXIT(_exit(fits(100, 100, 500) == 0 ? 0 : 1), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace copilot
