#include "strata/adapters/probes/probe_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/net/segments.h"

namespace strata {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::StartsWith;
using testing::StatusIs;

constexpr timeval kReadTimeout{.tv_sec = 20, .tv_usec = 0};

// One connection of a client.
class Client {
 public:
  explicit Client(const ProbeServer& server)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kReadTimeout, sizeof(kReadTimeout));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Until it ends so, or the server closes.
  std::string read(std::string_view end) const {
    std::string all;
    std::array<char, 4096> part{};
    while (end.empty() || all.size() < end.size() ||
           all.compare(all.size() - end.size(), end.size(), end) != 0) {
      const ssize_t got = recv(socket_, part.data(), part.size(), 0);
      if (got <= 0) break;
      all.append(part.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
  std::string readAll() const { return read(""); }
  int socket() const { return socket_; }

 private:
  int socket_;
};

std::string request(const std::string& method, const std::string& target,
                    const std::string& headers = "Connection: close\r\n") {
  return method + " " + target + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n";
}

class ProbeServerTest : public ::testing::Test {
 protected:
  void start(ProbeServerOptions options = {}) {
    options.port = 0;
    auto started = ProbeServer::start(probes_, options);
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
  }
  std::string get(const std::string& target) const {
    const Client client(*server_);
    client.send(request("GET", target));
    return client.readAll();
  }

  std::shared_ptr<Probes> probes_ = std::make_shared<Probes>();
  std::unique_ptr<ProbeServer> server_;
};

TEST_F(ProbeServerTest, AnswersProbes) {
  ASSERT_THAT(probes_->add("postgres", [] { return Health{.backend = "postgres"}; }), IsOk());
  probes_->setMetrics([] { return "up 1\n"; });
  start();
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get("/readyz?verbose"), HasSubstr("\r\n\r\n[+] postgres ok\nok\n"));
  EXPECT_THAT(get("/healthz"), HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(get("/metrics"), HasSubstr("\r\n\r\nup 1\n"));
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 404 "));
  probes_->beginDrain();
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 503 "));
}

TEST_F(ProbeServerTest, ServesAPageThatABrowserNeitherKeepsNorTakesForAnythingElse) {
  ASSERT_THAT(
      probes_->add("postgres",
                   [] { return Health{.state = HealthState::kFail, .error = "<script>'\xFF"}; }),
      IsOk());
  start();
  const std::string page = get("/statusz?refresh=5");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(page, HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(page, HasSubstr("\r\nCache-Control: no-store\r\n"));
  EXPECT_THAT(page, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(page, HasSubstr("\r\nContent-Security-Policy: default-src 'none'; "
                              "style-src 'unsafe-inline'\r\n"));
  EXPECT_THAT(page, HasSubstr("\r\n\r\n<!DOCTYPE html>\n"));
  EXPECT_THAT(page, HasSubstr(R"(<meta http-equiv="refresh" content="5">)"));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;&#39;\xEF\xBF\xBD"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, EndsWith("</html>\n"));
}

TEST_F(ProbeServerTest, TellsTheHeadOfThePageWithoutThePage) {
  start();
  const Client client(*server_);
  client.send(request("HEAD", "/statusz"));
  const std::string head = client.readAll();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(head, ContainsRegex("\r\nContent-Length: [1-9][0-9]{3,}\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
}

TEST_F(ProbeServerTest, AnswersManyRequestsOfOneConnection) {
  start();
  const Client client(*server_);
  for (int i = 0; i < 3; ++i) {
    client.send(request("GET", "/livez", ""));
    EXPECT_THAT(client.read("\r\n\r\nok\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  client.send(request("HEAD", "/livez", ""));
  EXPECT_THAT(client.read("\r\n\r\n"), HasSubstr("Content-Length: 3\r\n"));
  // The body of the answer before did not come.
  client.send(request("GET", "/livez"));
  EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ProbeServerTest, RefusesWhatIsNoProbe) {
  start();
  const auto answer_to = [this](const std::string& sent) {
    const Client client(*server_);
    client.send(sent);
    return client.readAll();
  };
  EXPECT_THAT(answer_to(request("POST", "/statusz")), HasSubstr("Cache-Control: no-store\r\n"));
  const std::string post = answer_to(request("POST", "/readyz"));
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(post, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(answer_to(request("GET", "/livez", "Content-Length: 5\r\n")),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to("good morning\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to("GET /" + std::string(9000, 'x')), StartsWith("HTTP/1.1 431 "));
}

// The parser ended the process by an assertion at an empty chunked body in pieces.
TEST_F(ProbeServerTest, ReadsAChunkedBodyHoweverItIsCut) {
  start();
  const Client client(*server_);
  for (const char* body : {"0\r\n\r\n", "00\r\n\r\n", "0;a=b\r\n\r\n", "0\r\nA: b\r\n\r\n"}) {
    for (const testing::Segments& segments : testing::segmentations(body)) {
      client.send(request("GET", "/livez", "Transfer-Encoding: chunked\r\n"));
      testing::sendSegments(client.socket(), segments);
      ASSERT_THAT(client.read("\r\n\r\nok\n"), StartsWith("HTTP/1.1 200 OK\r\n"))
          << ::testing::PrintToString(segments);
    }
  }
  client.send(request("GET", "/livez", "Transfer-Encoding: chunked\r\n"));
  testing::sendSegments(client.socket(), {"1", "\r", "\n"});
  EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 413 "));
}

// A body under another encoding was taken for the next request.
TEST_F(ProbeServerTest, TakesNoBodyForARequest) {
  start();
  for (const char* encoding : {"gzip", "chunked, gzip", "identity", "xchunked", ""}) {
    const Client client(*server_);
    client.send(request("GET", "/livez", "Transfer-Encoding: " + std::string(encoding) + "\r\n") +
                request("GET", "/livez"));
    const std::string answers = client.readAll();
    EXPECT_THAT(answers, StartsWith("HTTP/1.1 400 ")) << encoding;
    EXPECT_THAT(answers, Not(HasSubstr("HTTP/1.1 200 "))) << encoding;
  }
}

TEST_F(ProbeServerTest, ClosesAConnectionThatSaysNothing) {
  start({.timeout = absl::Milliseconds(50)});
  const Client silent(*server_);
  EXPECT_EQ(silent.readAll(), "");
  const Client slow(*server_);
  slow.send("GET /livez");
  EXPECT_EQ(slow.readAll(), "");
}

TEST_F(ProbeServerTest, ClosesConnectionsThatAreTooMany) {
  start({.max_connections = 1});
  const Client first(*server_);
  first.send(request("GET", "/livez", ""));
  EXPECT_THAT(first.read("ok\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(Client(*server_).readAll(), "");
}

// B-71
TEST_F(ProbeServerTest, IsAliveWhileAProbeWaits) {
  for (const char* target : {"/readyz", "/statusz"}) {
    std::latch released(1);
    std::atomic<bool> asked{false};
    probes_ = std::make_shared<Probes>(ProbesOptions{.timeout = absl::Hours(1)});
    ASSERT_THAT(probes_->add("postgres",
                             [&] {
                               asked = true;
                               released.wait();
                               return Health{};
                             }),
                IsOk());
    start();
    std::jthread waiting([&] { EXPECT_THAT(get(target), StartsWith("HTTP/1.1 200 ")); });
    EXPECT_TRUE(eventually([&] { return asked.load(); }));
    EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 "));
    released.count_down();
  }
}

TEST_F(ProbeServerTest, SaysWhyItCannotListen) {
  start();
  EXPECT_THAT(ProbeServer::start(probes_, {.port = server_->port()}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cannot listen")));
  EXPECT_THAT(ProbeServer::start(probes_, {.address = "here"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ProbeServer::start(nullptr), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ProbeServer::start(probes_, {.timeout = absl::ZeroDuration()}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ProbeServerTest, EndsWithItsConnectionsOpen) {
  start();
  const Client client(*server_);
  client.send(request("GET", "/livez", ""));
  EXPECT_THAT(client.read("ok\n"), StartsWith("HTTP/1.1 200 "));
  server_ = nullptr;
  EXPECT_EQ(client.readAll(), "");
}

}  // namespace
}  // namespace strata
