#include "examples/copilot_server/http_head.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace copilot {
namespace {

using std::string_literals::operator""s;

std::string head(const std::string& lines) { return "POST / HTTP/1.1\r\n" + lines + "\r\n"; }
std::string withHost(const std::string& lines) { return head("Host: h\r\n" + lines); }

TEST(HttpHead, EndsAtTheEmptyLineHoweverItArrives) {
  const std::string whole = withHost("A: b\r\n");
  const std::string bytes = whole + "body\r\n\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    HeadScan scan;
    std::size_t scanned = 0;
    for (std::size_t size = 0; scan.length == 0; scanned = size) {
      size = std::min(size + step, bytes.size());
      scan = scanHead(std::string_view(bytes).substr(0, size), scanned);
      ASSERT_FALSE(scan.is_broken) << step;
    }
    EXPECT_EQ(scan.length, whole.size()) << step;
  }
}

TEST(HttpHead, IsBrokenAtTheFirstByteThatCannotBe) {
  for (const std::string& bytes :
       {"GET / HTTP/1.1\n"s, "GET / HTTP/1.1\rX"s, "GET /\0"s, "\x16\x03\x01"s, "\r\n"s, "\n"s,
        "GET / HTTP/1.1\r\nHost: h\n"s, "GET / HTTP/1.1\r\nA: b\x7f"s,
        "GET / HTTP/1.1\r\nA: b\r\n\n"s, "GET / HTTP/1.1\r\nA: b\n\r\n"s}) {
    EXPECT_TRUE(scanHead(bytes).is_broken) << bytes;
  }
  EXPECT_FALSE(scanHead("GET / HTTP/1.1\r").is_broken);
  EXPECT_FALSE(scanHead("GET / HTTP/1.1\r\nA:\tb \xc3\xa4").is_broken);
}

TEST(HttpHead, IsFineWhereEveryReaderAgreesOnItsEnd) {
  for (const std::string& text :
       {withHost(""), withHost("Content-Length: 0\r\n"), withHost("content-length:\t12 \r\n"),
        withHost("Content-Length: 007\r\n"), withHost("Transfer-Encoding: chunked\r\n"),
        withHost("transfer-encoding:CHUNKED\r\n"), withHost("A: b\r\nA: b\r\n"), withHost("A:\r\n"),
        head("Host:\r\n"), head("HOST: [::1]:8080\r\n"), "GET / HTTP/1.0\r\n\r\n"s,
        withHost("X-Forwarded-For: a\r\nX-Forwarded-For: b\r\n")}) {
    const auto problem = problemOf(text);
    EXPECT_FALSE(problem.has_value()) << text << problem->message;
  }
}

// A head, and the status that refuses it.
using Refused = std::vector<std::pair<std::string, int>>;

void expectRefused(const Refused& cases) {
  for (const auto& [text, status] : cases) {
    const auto problem = problemOf(text);
    ASSERT_TRUE(problem.has_value()) << text;
    EXPECT_EQ(problem->status, status) << text;
  }
}

// Everything but `chunked` was taken for a request without a body, and the body for the next one.
TEST(HttpHead, RefusesTransferEncodingsThatReadersDisagreeOn) {
  expectRefused({
      {withHost("Transfer-Encoding: gzip\r\n"), 400},
      {withHost("Transfer-Encoding: identity\r\n"), 400},
      {withHost("Transfer-Encoding:\r\n"), 400},
      {withHost("Transfer-Encoding: xchunked\r\n"), 400},
      {withHost("Transfer-Encoding: chunked, gzip\r\n"), 400},
      {withHost("Transfer-Encoding: chunked,\r\n"), 400},
      {withHost("Transfer-Encoding: \"chunked\"\r\n"), 400},
      {withHost("Transfer-Encoding: chunked;q=1\r\n"), 400},
      {withHost("Transfer-Encoding: chunked, chunked\r\n"), 400},
      {withHost("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {withHost("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"), 400},
      {withHost("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {withHost("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 501},
      {withHost("Transfer-Encoding: , chunked\r\n"), 501},
      {withHost("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {withHost("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {withHost("Transfer-Encoding:\r\n chunked\r\n"), 400},
      {withHost("Transfer-Encoding : chunked\r\n"), 400},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
  });
}

TEST(HttpHead, RefusesLengthsThatReadersDisagreeOn) {
  expectRefused({
      {withHost("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {withHost("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {withHost("Content-Length: 5, 5\r\n"), 400},
      {withHost("Content-Length: +5\r\n"), 400},
      {withHost("Content-Length: -5\r\n"), 400},
      {withHost("Content-Length: 0x5\r\n"), 400},
      {withHost("Content-Length: 5 5\r\n"), 400},
      {withHost("Content-Length:\r\n"), 400},
      {withHost("Content-Length\t: 5\r\n"), 400},
  });
}

TEST(HttpHead, RefusesLinesThatReadersDisagreeOn) {
  expectRefused({
      {withHost("A: b\r\n c\r\n"), 400},
      {withHost("no colon\r\n"), 400},
      {withHost(": no name\r\n"), 400},
      {withHost("A\xc3: b\r\n"), 400},
  });
}

TEST(HttpHead, RefusesTwoAnswersToWhereAndByWhom) {
  expectRefused({
      {head(" Host: h\r\n"), 400},
      {head(""), 400},
      {head("Host: a\r\nHost: a\r\n"), 400},
      {head("Host: a b\r\n"), 400},
      {head("Host: a/b\r\n"), 400},
      {head("Host: user@a\r\n"), 400},
      {withHost("X-Tenant-Id: a\r\nx-tenant-id: a\r\n"), 400},
      {withHost("X-User-Id: a\r\nX-User-Id: b\r\n"), 400},
      {withHost("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), 400},
      {withHost("X-Gateway-Secret: a\r\nX-Gateway-Secret: b\r\n"), 400},
  });
}

TEST(HttpHead, ExtensionsOfChunksHaveNoControlCharacters) {
  EXPECT_TRUE(isCleanChunkExtension(""));
  EXPECT_TRUE(isCleanChunkExtension(";a=\"b c\""));
  EXPECT_FALSE(isCleanChunkExtension(";a=\"\n\""));
  EXPECT_FALSE(isCleanChunkExtension(";a=\"\r\""));
  EXPECT_FALSE(isCleanChunkExtension(";a=\"\0\""s));
}

}  // namespace
}  // namespace copilot
