// Requests made to be read in two ways, and connections made to hold the example service up. Each is
// sent a bounded number of times, to a service of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "testing/servers/free_port.h"
#include "tests/adapters/net/segments.h"
#include "tests/examples/copilot_process.h"

namespace strata {
namespace {

using testing::CopilotProcess;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawConnection;
using testing::runCopilot;
using ::testing::StartsWith;
using testing::User;
using std::string_literals::operator""s;

const std::string kTenant = "6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11";
const User kAda = {kTenant, "0f6a1b52-7a3e-4c39-8a54-5b1f6c1d2e3f"};
const User kVictim = {kTenant, "c56a4180-65aa-42ec-a945-5fd21dec0538"};
const std::string kSecret(32, 's');
const std::string kChunked = "Transfer-Encoding: chunked\r\n";

std::string identityOf(const User& user) {
  return "X-Tenant-Id: " + user.tenant + "\r\nX-User-Id: " + user.id + "\r\n";
}

std::string post(const std::string& headers) {
  return "POST /v1/conversations HTTP/1.1\r\n" + headers + "\r\n";
}

// What must not be run: a request of another user, where a body is or seems to be.
std::string smuggled() {
  const std::string body = R"({"title": "smuggled"})";
  return post("Host: h\r\n" + identityOf(kVictim) +
              "Content-Length: " + std::to_string(body.size()) + "\r\n") +
         body;
}

int answersIn(const std::string& text) {
  int found = 0;
  for (std::size_t at = text.find("HTTP/1.1 "); at != std::string::npos;
       at = text.find("HTTP/1.1 ", at + 1)) {
    ++found;
  }
  return found;
}

class CopilotAttackTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = CopilotProcess::start(
                 {"RATE_LIMIT_GLOBAL_PER_MINUTE=1000000", "RATE_LIMIT_WRITE_PER_MINUTE=1000000"})
                 .release();
  }
  static void TearDownTestSuite() { delete server; }
  void SetUp() override { ASSERT_NE(server, nullptr); }

  static std::string answersTo(const std::string& bytes) {
    const RawConnection connection(server->port());
    connection.send(bytes);
    return connection.readAll();
  }

  // Each is refused, its connection closed, and what follows it is not run as a request.
  static void expectNoneRunsAnother(const std::vector<std::string>& attacks) {
    for (const std::string& attack : attacks) {
      const std::string answers = answersTo(attack + smuggled());
      EXPECT_THAT(answers,
                  ::testing::AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 501 ")))
          << attack;
      EXPECT_EQ(answersIn(answers), 1) << attack << answers;
      EXPECT_THAT(answers, HasSubstr("\r\nConnection: close\r\n")) << attack;
    }
    EXPECT_THAT(server->get(kVictim, "/v1/conversations?status=all").body,
                HasSubstr(R"("conversations":[])"));
  }

  static CopilotProcess* server;
};

CopilotProcess* CopilotAttackTest::server = nullptr;

// A Transfer-Encoding other than exactly `chunked` was taken for no body, and the body was run as the
// next request, under the identity that it named.
TEST_F(CopilotAttackTest, NoBodyIsRunAsARequestByItsEncoding) {
  const std::string own = "Host: h\r\n" + identityOf(kAda);
  expectNoneRunsAnother({
      post(own + "Transfer-Encoding: gzip\r\n"),
      post(own + "Transfer-Encoding: identity\r\n"),
      post(own + "Transfer-Encoding: xchunked\r\n"),
      post(own + "Transfer-Encoding: chunked, gzip\r\n"),
      post(own + "Transfer-Encoding: chunked, identity\r\n"),
      post(own + "Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n",
      post(own + "Transfer-Encoding: chunked, chunked\r\n") + "0\r\n\r\n",
      post(own + "Transfer-Encoding: \"chunked\"\r\n") + "0\r\n\r\n",
      post(own + "Transfer-Encoding: chunked;a=b\r\n") + "0\r\n\r\n",
      post(own + "Transfer-Encoding:\r\n chunked\r\n") + "0\r\n\r\n",
      post(own + "Transfer-Encoding : chunked\r\n") + "0\r\n\r\n",
      post(own + "Transfer-Encoding:\x0b"
                 "chunked\r\n") +
          "0\r\n\r\n",
      post(own + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") + "0\r\n\r\n",
      post(own + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
  });
}

TEST_F(CopilotAttackTest, NoBodyIsRunAsARequestByItsLength) {
  const std::string own = "Host: h\r\n" + identityOf(kAda);
  const std::string length = "Content-Length: " + std::to_string(smuggled().size()) + "\r\n";
  expectNoneRunsAnother({
      post(own + kChunked + length) + "0\r\n\r\n",
      post(own + length + kChunked) + "0\r\n\r\n",
      post(own + "Content-Length: 0\r\n" + length),
      post(own + length + length),
      post(own + "Content-Length: 0, 0\r\n"),
      post(own + "Content-Length: +0\r\n"),
      post(own + "Content-Length: 0x0\r\n"),
      post(own + "Content-Length:\r\n"),
      post(own + "Content-Length : 0\r\n"),
      post(own + "Content-Length:\r\n 0\r\n"),
      post(own + "Content-Length: 99999999999999999999999\r\n"),
  });
}

TEST_F(CopilotAttackTest, NoBodyIsRunAsARequestByALineOfTheHead) {
  const std::string own = "Host: h\r\n" + identityOf(kAda);
  expectNoneRunsAnother({
      post(own + "A: b\n" + "C: d\r\n"),
      post(own + "A: b\rC: d\r\n"),
      post(own + "A: b\0c\r\n"s),
      post(own + "A\0: b\r\n"s),
      "POST /v1/conversations HTTP/1.1\n" + own + "\n",
      "POST /v1/conversations HTTP/1.1\r\n" + own + "\n",
      "POST /v1/conver\0sations HTTP/1.1\r\n"s + own + "\r\n",
      post(own + "Host: other\r\n"),
      post(identityOf(kAda)),
      post(own + "X-User-Id: " + kVictim.id + "\r\n"),
      post(own + "X-Tenant-Id: " + kTenant + "\r\n"),
      post(own + "x-user-id: " + kAda.id + "\r\n"),
  });
}

// Chunks that other readers end elsewhere.
TEST_F(CopilotAttackTest, NoBodyIsRunAsARequestByItsChunks) {
  const std::string own = "Host: h\r\n" + identityOf(kAda);
  expectNoneRunsAnother({
      post(own + kChunked) + "0;a=\"\n\"\r\n\r\n",
      post(own + kChunked) + "2;a=\"\n\"\r\n{}\r\n0\r\n\r\n",
      post(own + kChunked) + "2\n{}\r\n0\r\n\r\n",
      post(own + kChunked) + "2\r\n{}0\r\n\r\n",
      post(own + kChunked) + "2 \r\n{}\r\n0\r\n\r\n",
      post(own + kChunked) + "0x2\r\n{}\r\n0\r\n\r\n",
      post(own + kChunked) + "-2\r\n{}\r\n0\r\n\r\n",
      post(own + kChunked) + "10000000000000002\r\n{}\r\n0\r\n\r\n",
      post(own + kChunked) + "0\r\n A: b\r\n\r\n",
      post(own + kChunked) + "0\r\nA: b\n\r\n\r\n",
  });
}

// The size of a chunked body of another HTTP version: 1.0 has none.
TEST_F(CopilotAttackTest, NoBodyOfAnotherVersionIsRunAsARequest) {
  const std::string answers =
      answersTo("POST /v1/conversations HTTP/1.0\r\nConnection: keep-alive\r\n" + kChunked +
                identityOf(kAda) + "\r\n0\r\n\r\n" + smuggled());
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 505 "));
  EXPECT_EQ(answersIn(answers), 1) << answers;
}

// The parser adds the fields behind a chunked body to those of the head.
TEST_F(CopilotAttackTest, FieldsBehindABodySayNothing) {
  const std::string answers = answersTo(post("Host: h\r\nConnection: close\r\n" + kChunked) +
                                        "0\r\n" + identityOf(kVictim) + "\r\n");
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 401 "));
}

TEST_F(CopilotAttackTest, RequestsThatAreLegalAreAllRun) {
  const std::string own = "Host: h\r\n" + identityOf(kAda);
  const std::string answers = answersTo(
      "\r\n" + post(own + "Content-Length: 2\r\n") + "{}" + post(own + kChunked) +
      "2;a=\"b c\"\r\n{}\r\n0\r\nA: b\r\n\r\n" + post(own + "TRANSFER-ENCODING:chunked \r\n") +
      "0\r\n\r\n" + post(own + "Content-Length: 0\r\nConnection: close\r\n"));
  EXPECT_EQ(answersIn(answers), 4) << answers;
  EXPECT_THAT(answers, Not(HasSubstr("HTTP/1.1 4")));
}

// The parser ended the process by an assertion at an empty chunked body in pieces.
TEST_F(CopilotAttackTest, ReadsAChunkedBodyHoweverItIsCut) {
  for (const char* body :
       {"0\r\n\r\n", "00\r\n\r\n", "0;a=b\r\n\r\n", "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"}) {
    for (const testing::Segments& segments : testing::segmentations(body)) {
      const RawConnection connection(server->port());
      connection.send(post("Host: h\r\nConnection: close\r\n" + kChunked + identityOf(kAda)));
      testing::sendSegments(connection.socket(), segments);
      ASSERT_THAT(connection.readAll(), StartsWith("HTTP/1.1 201 "))
          << ::testing::PrintToString(segments);
    }
  }
  // Of a client that goes away in the middle.
  for (const char* part : {"", "0", "0\r", "0\r\n", "0\r\n\r"}) {
    const RawConnection connection(server->port());
    connection.send(post("Host: h\r\n" + kChunked + identityOf(kAda)) + part);
    connection.endSending();
    EXPECT_EQ(connection.readAll(), "") << part;
  }
}

TEST(CopilotProbes, HaveAPortOfTheirOwnWhereTheyAreGivenOne) {
  const std::uint16_t port = testing::internal::freePort();
  const auto server = CopilotProcess::start({"PROBE_PORT=" + std::to_string(port)});
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->ask("/livez").status, 404);
  EXPECT_EQ(server->ask("/metrics").status, 404);
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  EXPECT_EQ(testing::curl(server->folder(), {url + "/readyz"}).status, 200);
  EXPECT_THAT(testing::curl(server->folder(), {url + "/metrics"}).body,
              HasSubstr("copilot_server_responses_total"));
}

TEST(CopilotIdentity, IsBelievedOnLoopbackWithOneWarning) {
  const auto server = CopilotProcess::start();
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->get(kAda, "/v1/conversations").status, 200);
  const std::string log = server->process().logTail();
  const std::size_t warning = log.find("copilot_server.identity_unchecked");
  ASSERT_NE(warning, std::string::npos) << log;
  EXPECT_EQ(log.find("copilot_server.identity_unchecked", warning + 1), std::string::npos) << log;
}

TEST(CopilotIdentity, TheServiceDoesNotStartWhereStrangersCouldClaimOne) {
  const auto run = runCopilot({"HOST=0.0.0.0", "PORT=0"});
  EXPECT_EQ(run.exit_code, 2);
  for (const char* name :
       {"HOST", "TOKEN_KEY_FILE", "TOKEN_SECRET", "GATEWAY_SECRET", "TRUSTED_PROXIES"}) {
    EXPECT_THAT(run.output, HasSubstr(name));
  }
}

TEST(CopilotIdentity, OfHeadersNeedsTheSecretOfTheGateway) {
  const auto server = CopilotProcess::start({"HOST=0.0.0.0", "GATEWAY_SECRET=" + kSecret});
  ASSERT_NE(server, nullptr);
  EXPECT_THAT(server->process().logTail(), Not(HasSubstr("identity_unchecked")));
  EXPECT_EQ(server->get(kAda, "/v1/conversations").status, 401);
  const auto with_secret = [&](const std::string& secret) {
    return server
        ->ask("/v1/conversations", {"-H", "X-Tenant-Id: " + kAda.tenant, "-H",
                                    "X-User-Id: " + kAda.id, "-H", "X-Gateway-Secret: " + secret})
        .status;
  };
  EXPECT_EQ(with_secret(kSecret), 200);
  EXPECT_EQ(with_secret(kSecret.substr(1)), 401);
  EXPECT_THAT(server->process().logTail(), Not(HasSubstr(kSecret)));
}

TEST(CopilotIdentity, OfHeadersNeedsANamedProxy) {
  const auto outside = CopilotProcess::start({"HOST=0.0.0.0", "TRUSTED_PROXIES=192.0.2.0/24"});
  ASSERT_NE(outside, nullptr);
  EXPECT_EQ(outside->get(kAda, "/v1/conversations").status, 401);
  const auto inside = CopilotProcess::start({"HOST=0.0.0.0", "TRUSTED_PROXIES=127.0.0.1"});
  ASSERT_NE(inside, nullptr);
  EXPECT_EQ(inside->get(kAda, "/v1/conversations").status, 200);
}

TEST(CopilotIdentity, OfATokenNeedsItsSignature) {
  // {"alg":"HS256"} {"aud":"strata","exp":32503680000,"tenant_id":…,"sub":…} by 32 times 's'.
  const auto server =
      CopilotProcess::start({"HOST=0.0.0.0", "TOKEN_SECRET=" + kSecret, "TOKEN_AUDIENCE=strata"});
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->get(kAda, "/v1/conversations").status, 401);
  EXPECT_EQ(server
                ->ask("/v1/conversations",
                      {"-H", "Authorization: Bearer " + testing::tokenOf(kAda, kSecret)})
                .status,
            200);
  EXPECT_EQ(server
                ->ask("/v1/conversations",
                      {"-H", "Authorization: Bearer " + testing::tokenOf(kAda, kSecret + "x")})
                .status,
            401);
}

}  // namespace
}  // namespace strata
