// What the REST adapter does without a server: texts, bodies, HTTP, URLs, errors, the sync token.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/upstash/errors.h"
#include "adapters/upstash/http.h"
#include "adapters/upstash/protocol.h"
#include "adapters/upstash/sync_token.h"
#include "adapters/upstash/text.h"
#include "adapters/upstash/url.h"
#include "src/base/utf8.h"
#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/net/segments.h"

namespace strata::internal {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::Optional;
using ::testing::SizeIs;
using testing::StatusIs;
using ::testing::VariantWith;
using Texts = std::vector<std::optional<std::string>>;
using namespace std::string_literals;

std::string everyByte() {
  std::string bytes(256, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
  return bytes;
}

// ---- Bytes as text ----

TEST(UpstashText, IsUnicodeAndGivesEveryByteBack) {
  for (const std::string& bytes : {""s, "ascii"s, everyByte(), "\xff\xfe"s, "\xc3\xa9"s}) {
    EXPECT_TRUE(isUtf8(textOfBytes(bytes)));
    EXPECT_EQ(bytesOfText(textOfBytes(bytes)), bytes);
  }
  EXPECT_EQ(textOfBytes("{\"json\": true}"), "{\"json\": true}");
}

// The compare-and-set script compares texts; that must say the same as comparing bytes would.
TEST(UpstashText, BeginsLikeAnotherExactlyWhereTheBytesDo) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::string cell(80, '\0');
    for (char& byte : cell) byte = static_cast<char>(random());
    const std::string text = textOfBytes(cell);
    for (std::size_t length = 0; length <= cell.size(); ++length) {
      const std::string prefix = cell.substr(0, length);
      EXPECT_TRUE(text.starts_with(textOfBytes(prefix))) << length;
      for (std::size_t at = 0; at < length; ++at) {
        std::string other = prefix;
        other[at] = static_cast<char>(other[at] + 1 + static_cast<char>(random() % 255));
        if (other == prefix) continue;
        EXPECT_FALSE(text.starts_with(textOfBytes(other))) << length << " at " << at;
      }
    }
    EXPECT_FALSE(textOfBytes(cell.substr(0, 40)).starts_with(text)) << "longer than what is there";
  }
}

TEST(UpstashText, OfAnotherProgramIsLeftAsItIs) {
  for (const std::string& text :
       {"€"s, "\xff"s, "a\xc3"s, "\xc0\x80"s, "\xc3("s, "\xf0\x9f\xa6\x8a"s}) {
    EXPECT_EQ(bytesOfText(text), text);
  }
}

TEST(UpstashText, OfAKeyIsTheKeyItselfWhereverPossible) {
  for (const std::string& key : {""s, "copilot:flags:flag:a%3Ab"s, "schön €"s, "\0\r\n"s}) {
    EXPECT_EQ(textOfKey(key), key);
  }
}

TEST(UpstashText, OfTwoKeysIsNeverTheSame) {
  const std::vector<std::string> keys = {"\xe9"s,
                                         "é"s,
                                         "%bytes:"s,
                                         "%bytes:\xe9"s,
                                         "%bytes:é"s,
                                         "\xff"s,
                                         "%bytes:%bytes:é"s,
                                         "ÿ"s,
                                         "%bytes:ÿ"s,
                                         "\xed\xa0\x80"s,
                                         "\xc0\x80"s,
                                         "\0"s};
  std::set<std::string> texts;
  for (const std::string& key : keys) {
    EXPECT_TRUE(isUtf8(textOfKey(key)));
    EXPECT_TRUE(texts.insert(textOfKey(key)).second) << textOfKey(key);
  }
}

TEST(UpstashText, ReadsBase64AndNothingElse) {
  EXPECT_THAT(base64Decoded(""), Optional(""s));
  EXPECT_THAT(base64Decoded("Zg=="), Optional("f"s));
  EXPECT_THAT(base64Decoded("Zm8="), Optional("fo"s));
  EXPECT_THAT(base64Decoded("Zm9v"), Optional("foo"s));
  EXPECT_THAT(base64Decoded("AP/+gA=="), Optional("\0\xff\xfe\x80"s));
  for (const char* wrong : {"Z", "Zg", "Zg=", "====", "Z===", "Zm=v", "Zm 9", "Zm-_", "Zm9v\n"}) {
    EXPECT_THAT(base64Decoded(wrong), Eq(std::nullopt)) << wrong;
  }
}

// ---- Bodies ----

TEST(UpstashProtocol, WritesOneCommandAsAnArrayAndManyAsAnArrayOfThem) {
  const std::vector<UpstashCommand> commands = {{"SET", "a\"b", "\0\n"s + textOfBytes("\xff")},
                                                {"GET", "a"}};
  EXPECT_EQ(upstashRequestBody(absl::MakeSpan(commands).first(1)),
            "[\"SET\",\"a\\\"b\",\"\\u0000\\nÿ\"]");
  EXPECT_EQ(upstashRequestBody(commands), "[[\"SET\",\"a\\\"b\",\"\\u0000\\nÿ\"],[\"GET\",\"a\"]]");
}

TEST(UpstashProtocol, ReadsEveryKindOfReply) {
  const auto one = [](std::string_view result) {
    return parseUpstashReplies("{\"result\":" + std::string(result) + "}", 1)->front();
  };
  EXPECT_THAT(one("null"), IsOkAndHolds(VariantWith<std::monostate>(::testing::_)));
  EXPECT_THAT(one("-7"), IsOkAndHolds(VariantWith<std::int64_t>(-7)));
  EXPECT_THAT(one("\"OK\""), IsOkAndHolds(VariantWith<std::string>("OK")));
  EXPECT_THAT(one("\"T0s=\""), IsOkAndHolds(VariantWith<std::string>("OK")));
  EXPECT_THAT(one("\"\""), IsOkAndHolds(VariantWith<std::string>("")));
  EXPECT_THAT(one("[\"Zm8=\",null]"),
              IsOkAndHolds(VariantWith<Texts>(ElementsAre(Optional("fo"s), Eq(std::nullopt)))));
}

TEST(UpstashProtocol, ReadsTheRepliesOfAPipelineInOrderWithErrorsAmongThem) {
  const auto replies = parseUpstashReplies(
      R"([{"result":1},{"error":"OOM command not allowed"},{"result":null}])", 3);
  ASSERT_THAT(replies, IsOk());
  ASSERT_THAT(*replies, SizeIs(3));
  EXPECT_THAT((*replies)[0], IsOkAndHolds(VariantWith<std::int64_t>(1)));
  EXPECT_THAT((*replies)[1], StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT((*replies)[2], IsOk());
}

// B-27
TEST(UpstashProtocol, RefusesAnAnswerThatMakesNoSense) {
  for (const char* body :
       {"", "nonsense", "null", "[]", "{}", "{\"result\":1.5}", "{\"result\":true}",
        "{\"result\":{}}", "{\"result\":\"not base64\"}", "{\"result\":[1]}",
        "{\"result\":[[\"Zm8=\"]]}", "{\"result\":[\"Zm8=\",[[\"Zm8=\"]]]}", "{\"error\":7}",
        "{\"result\":1", "[{\"result\":1}]", "{\"result\":\"\xff\"}",
        "{\"result\":18446744073709551615}"}) {
    EXPECT_THAT(parseUpstashReplies(body, 1), StatusIs(StatusCode::kInternal)) << body;
  }
  for (const char* body :
       {"{\"result\":1}", "[]", "[{\"result\":1}]",
        "[{\"result\":1},{\"result\":2},{\"result\":3}]", "[{\"result\":1},7]"}) {
    EXPECT_THAT(parseUpstashReplies(body, 2), StatusIs(StatusCode::kInternal)) << body;
  }
  const std::string deep = std::string(100000, '[');
  EXPECT_THAT(parseUpstashReplies(deep, 1), StatusIs(StatusCode::kInternal));
}

TEST(UpstashProtocol, FindsTheErrorOfARefusal) {
  EXPECT_EQ(upstashErrorText("{\"error\":\"ERR x\"}"), "ERR x");
  for (const char* body : {"", "<html>", "{}", "[]", "{\"error\":1}"}) {
    EXPECT_EQ(upstashErrorText(body), "") << body;
  }
}

// ---- HTTP ----

absl::StatusOr<HttpAnswer> read(std::string_view text, std::size_t step) {
  HttpAnswerReader reader;
  while (!text.empty()) {
    const absl::StatusOr<bool> whole = reader.feed(text.substr(0, step));
    if (!whole.ok()) return whole.status();
    text.remove_prefix(std::min(step, text.size()));
    // What follows the answer comes with its last bytes, or is not read.
    if (*whole) return reader.take();
  }
  if (absl::Status ended = reader.end(); !ended.ok()) return ended;
  return reader.take();
}

TEST(UpstashHttp, WritesARequest) {
  const std::string text = serialized({.host = "h.example",
                                       .target = "/pipeline",
                                       .token = "secret",
                                       .sync_token = "abc",
                                       .body = "[1]"});
  EXPECT_TRUE(text.starts_with("POST /pipeline HTTP/1.1\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\n[1]"));
  for (const char* line : {"Host: h.example\r\n", "Authorization: Bearer secret\r\n",
                           "Content-Length: 3\r\n", "Content-Type: application/json\r\n",
                           "Upstash-Encoding: base64\r\n", "Upstash-Sync-Token: abc\r\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(UpstashHttp, ReadsAnAnswerInPiecesOfAnySize) {
  constexpr std::string_view kPlain =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nupstash-sync-token: xyz\r\n\r\nhello";
  constexpr std::string_view kChunked =
      "HTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nUPSTASH-SYNC-TOKEN: xyz\r\n\r\n"
      "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
  for (const std::string_view text : {kPlain, kChunked}) {
    for (std::size_t step = 1; step <= text.size(); ++step) {
      const auto answer = read(text, step);
      ASSERT_THAT(answer, IsOk()) << step;
      EXPECT_EQ(answer->status, 200U);
      EXPECT_EQ(answer->body, "hello");
      EXPECT_EQ(answer->sync_token, "xyz");
      EXPECT_TRUE(answer->keep_alive);
    }
  }
}

// The parser ended the process by an assertion at an empty chunked body in pieces.
TEST(UpstashHttp, ReadsAChunkedAnswerHoweverItIsCut) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& [body, content] : std::vector<std::pair<std::string, std::string>>{
           {"0\r\n\r\n", ""},
           {"000\r\n\r\n", ""},
           {"0;a=b\r\n\r\n", ""},
           {"0\r\nA: b\r\n\r\n", ""},
           {"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"}}) {
    for (testing::Segments segments : testing::segmentations(body)) {
      for (const bool is_head_alone : {true, false}) {
        HttpAnswerReader reader;
        bool whole = false;
        if (is_head_alone) {
          ASSERT_THAT(reader.feed(head), IsOk());
        } else {
          segments[0] = head + segments[0];
        }
        for (const std::string& segment : segments) {
          ASSERT_FALSE(whole);
          const auto fed = reader.feed(segment);
          ASSERT_THAT(fed, IsOk()) << ::testing::PrintToString(segments);
          whole = *fed;
        }
        ASSERT_TRUE(whole) << ::testing::PrintToString(segments);
        EXPECT_EQ(reader.take().body, content);
      }
    }
  }
}

TEST(UpstashHttp, SaysThatAnAnswerEndedInItsEmptyBody) {
  for (const char* body : {"", "0", "0\r", "0\r\n", "0\r\n\r"}) {
    HttpAnswerReader reader;
    const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const auto fed = reader.feed(text + body);
    ASSERT_THAT(fed, IsOk());
    EXPECT_FALSE(*fed);
    EXPECT_THAT(reader.end(), StatusIs(StatusCode::kUnavailable)) << body;
  }
}

TEST(UpstashHttp, KnowsWhenAConnectionCannotBeKept) {
  for (const char* text :
       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil the end",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n"}) {
    const auto answer = read(text, 1000);
    ASSERT_THAT(answer, IsOk()) << text;
    EXPECT_FALSE(answer->keep_alive) << text;
  }
}

TEST(UpstashHttp, ReadsHowLongToWait) {
  const auto wait = [](const std::string& value) {
    return read("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nRetry-After: " + value + "\r\n\r\n", 999)
        ->retry_after;
  };
  EXPECT_EQ(wait("30"), absl::Seconds(30));
  for (const char* other : {"", "-1", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999"}) {
    EXPECT_EQ(wait(other), absl::ZeroDuration()) << other;
  }
}

// B-27
TEST(UpstashHttp, RefusesWhatIsNoAnswer) {
  for (const std::string& text :
       {"nonsense\r\n\r\n"s, "-ERR unknown command\r\n"s, "HTTP/1.1 abc\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'x') + "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"s}) {
    EXPECT_THAT(read(text, 4096), StatusIs(StatusCode::kInternal)) << text.substr(0, 60);
  }
  for (const char* cut :
       {"HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"}) {
    EXPECT_THAT(read(cut, 4096), StatusIs(StatusCode::kUnavailable)) << cut;
  }
}

// ---- URLs and options ----

TEST(UpstashUrl, NamesHostPortAndPath) {
  const auto endpoint = parseUpstashUrl("https://eu1-cat.upstash.io");
  ASSERT_THAT(endpoint, IsOk());
  EXPECT_EQ(endpoint->describe(), "eu1-cat.upstash.io:443");
  EXPECT_EQ(endpoint->hostHeader(), "eu1-cat.upstash.io");
  EXPECT_EQ(endpoint->path, "");
  EXPECT_TRUE(endpoint->encrypted);
  EXPECT_EQ(parseUpstashUrl("https://h:8443/a/b/")->path, "/a/b");
  EXPECT_EQ(parseUpstashUrl("https://h:8443/")->hostHeader(), "h:8443");
  EXPECT_EQ(parseUpstashUrl("https://[::1]:1/")->host, "::1");
  EXPECT_EQ(parseUpstashUrl("https://[::1]:1/")->hostHeader(), "[::1]:1");
}

TEST(UpstashUrl, IsPlainForThisHostOnly) {
  for (const char* url : {"http://localhost:8080", "http://127.0.0.1", "http://[::1]:80"}) {
    EXPECT_THAT(parseUpstashUrl(url), IsOk()) << url;
  }
  for (const char* url : {"http://cache.example", "http://10.0.0.1", "http://127.evil.example",
                          "http://localhost.example"}) {
    EXPECT_THAT(parseUpstashUrl(url),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("in the clear")))
        << url;
  }
}

// B-33, B-79
TEST(UpstashUrl, RefusesWhatIsWrongAndQuotesNothing) {
  for (const char* url :
       {"", "redis://secret", "https://", "https://:443", "https://secret:0",
        "https://secret:65536", "https://secret:x", "https://secret:", "https://user:secret@h",
        "https://h?_token=secret", "https://h/#secret", "https://sec ret", "https://h/sec\r\nret",
        "https://[::1", "https://[::1]secret", "https://secr\xc3\xa9t", "https://[sec]"}) {
    EXPECT_THAT(parseUpstashUrl(url),
                StatusIs(StatusCode::kInvalidArgument, Not(HasSubstr("secret"))))
        << url;
  }
}

TEST(UpstashCacheCreate, RefusesOptionsThatAreWrong) {
  const UpstashOptions good{.url = "https://h.example", .token = "secret"};
  EXPECT_THAT(UpstashCache::create(good), IsOk());
  const auto refused = [&](auto change) {
    UpstashOptions options = good;
    change(options);
    EXPECT_THAT(UpstashCache::create(options),
                StatusIs(StatusCode::kInvalidArgument, Not(HasSubstr("secret"))));
  };
  refused([](UpstashOptions& o) { o.url = "redis://h"; });
  refused([](UpstashOptions& o) { o.token = ""; });
  refused([](UpstashOptions& o) { o.token = "secret\r\nX-Injected: 1"; });
  refused([](UpstashOptions& o) { o.token = std::string(100000, 's'); });
  refused([](UpstashOptions& o) { o.url = "https://h/" + std::string(100000, 's'); });
  refused([](UpstashOptions& o) { o.max_connections = 0; });
  refused([](UpstashOptions& o) { o.connect_timeout = absl::ZeroDuration(); });
  refused([](UpstashOptions& o) { o.request_timeout = absl::InfiniteDuration(); });
  refused([](UpstashOptions& o) { o.idle_timeout = absl::Seconds(-1); });
  refused([](UpstashOptions& o) { o.tls.ca_file = "/nowhere/ca.pem"; });
  refused([](UpstashOptions& o) { o.tls.certificate_file = "/nowhere/client.pem"; });
}

TEST(UpstashCacheCreate, SaysWhatItCannotKeep) {
  const auto cache = UpstashCache::create({.url = "https://h.example", .token = "t"}).value();
  EXPECT_TRUE(cache->capabilities().fenced_reads);
  EXPECT_FALSE(cache->capabilities().incarnation);
  EXPECT_EQ(cache->incarnation("key"), Incarnation{});
}

// ---- Errors ----

TEST(UpstashErrors, OfHttpSayWhatToDo) {
  const auto code = [](unsigned status, std::string_view text = "") {
    return upstashHttpStatus(status, text, absl::ZeroDuration()).code();
  };
  EXPECT_EQ(code(400, "WRONGTYPE x"), StatusCode::kInternal);
  EXPECT_EQ(code(400, "OOM x"), StatusCode::kResourceExhausted);
  EXPECT_EQ(code(400), StatusCode::kInternal);
  EXPECT_EQ(code(401, "WRONGPASS x"), StatusCode::kPermissionDenied);
  EXPECT_EQ(code(403), StatusCode::kPermissionDenied);
  EXPECT_EQ(code(404), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(405), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(301), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(308), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(408), StatusCode::kUnavailable);
  EXPECT_EQ(code(413), StatusCode::kResourceExhausted);
  EXPECT_EQ(code(429), StatusCode::kResourceExhausted);
  for (const unsigned status : {500U, 502U, 503U, 504U, 599U}) {
    EXPECT_EQ(code(status), StatusCode::kUnavailable) << status;
  }
  EXPECT_EQ(code(204), StatusCode::kInternal);
  EXPECT_EQ(code(418), StatusCode::kInternal);
  EXPECT_THAT(upstashHttpStatus(429, "", absl::Seconds(30)),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("wait 30s")));
}

// ---- The sync token ----

TEST(UpstashSyncToken, IsTheLastOneThatCame) {
  UpstashSyncToken token;
  EXPECT_EQ(token.current().token, "");
  token.learn("one", true, token.current());
  token.learn("two", false, token.current());
  EXPECT_EQ(token.current().token, "two");
  token.learn("", true, token.current());
  EXPECT_EQ(token.current().token, "two") << "an answer without one says nothing";
}

TEST(UpstashSyncToken, OfAWriteIsNotReplacedByThatOfAReadThatMayNotHaveSeenIt) {
  UpstashSyncToken token;
  const auto read_sent = token.current();
  const auto write_sent = token.current();
  token.learn("of the write", true, write_sent);
  token.learn("of the read", false, read_sent);
  EXPECT_EQ(token.current().token, "of the write");
  token.learn("of a write that was slower", true, write_sent);
  EXPECT_EQ(token.current().token, "of a write that was slower");
}

TEST(UpstashProtocol, ReadsAPageOfKeys) {
  const auto replies = parseUpstashReplies("{\"result\":[\"MTc=\",[\"Zm8=\",\"YmFy\"]]}", 1);
  EXPECT_THAT(replies, IsOkAndHolds(ElementsAre(IsOkAndHolds(VariantWith<Texts>(
                           ElementsAre(Optional("17"s), Optional("fo"s), Optional("bar"s)))))));
}

TEST(UpstashText, AKeyAndItsPrefixesAreFoundInItsText) {
  for (const std::string& key : {"app:a"s, "%bytes:x"s, "a\xff"s, ""s, "\xc3\xa4"s, "\xc3"s}) {
    EXPECT_EQ(keyOfText(textOfKey(key)), key);
    for (std::size_t length = 0; length <= key.size(); ++length) {
      const UpstashKeyPrefixes prefixes = textsOfKeyPrefix(key.substr(0, length));
      EXPECT_TRUE(textOfKey(key).starts_with(prefixes.of_text) ||
                  textOfKey(key).starts_with(prefixes.of_bytes));
    }
  }
}

}  // namespace
}  // namespace strata::internal
