// The event stream of the REST API, without I/O: whatever pieces it comes in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapters/upstash/event_source.h"
#include "adapters/upstash/event_text.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

const std::string kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

struct Heard {
  absl::Status status;
  std::vector<std::string> data;
};

// In pieces of `size` bytes.
Heard heardOf(std::string_view bytes, std::size_t size = 1) {
  EventSource source;
  Heard heard;
  while (!bytes.empty() && heard.status.ok()) {
    heard.status = source.feed(bytes.substr(0, size),
                               [&](std::string_view data) { heard.data.emplace_back(data); });
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
  return heard;
}

TEST(EventSourceTest, TellsEachLineOfDataHoweverItIsCut) {
  const std::string bytes = kHead + "f\r\ndata: one\n\ndata\r\n" + "3;x=y\r\n: t\r\n" +
                            "1B\r\nwo\r\n: a comment\r\nid: 7\r\ndat\r\n" + "9\r\na:three\r\n\r\n" +
                            "0\r\n\r\n";
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    const Heard heard = heardOf(bytes, size);
    EXPECT_THAT(heard.data, ElementsAre("one", "two", "three")) << size;
    EXPECT_THAT(heard.status, StatusIs(StatusCode::kUnavailable)) << size;
  }
}

TEST(EventSourceTest, TakesAStreamWithoutChunksAndWhatComesBeforeTheAnswer) {
  const Heard heard = heardOf(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
      "data: a,b\ndata:  c\n");
  EXPECT_OK(heard.status);
  EXPECT_THAT(heard.data, ElementsAre("a,b", " c"));
}

TEST(EventSourceTest, SaysWhatTheServiceRefused) {
  const std::string body = R"({"error":"WRONGPASS invalid or missing auth token"})";
  const std::string refusal =
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
      body;
  EXPECT_THAT(heardOf(refusal).status, StatusIs(StatusCode::kPermissionDenied));
  EventSource until_the_end;
  const auto ignore = [](std::string_view) {};
  EXPECT_OK(until_the_end.feed("HTTP/1.1 503 Busy\r\n\r\nlater", ignore));
  EXPECT_THAT(until_the_end.end(), StatusIs(StatusCode::kUnavailable, HasSubstr("503")));
  EXPECT_THAT(EventSource().end(), StatusIs(StatusCode::kUnavailable));
}

TEST(EventSourceTest, RefusesWhatIsNoStreamOrTooMuch) {
  EXPECT_THAT(heardOf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n").status,
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(heardOf("SSH-2.0-OpenSSH\r\n\r\n").status, StatusIs(StatusCode::kInternal));
  EXPECT_THAT(heardOf("HTTP/1.1 200 OK\r\n" + std::string(20'000, 'x')).status,
              StatusIs(StatusCode::kInternal));
  for (const char* chunk : {"\r\n", "x\r\n", "123456789\r\n", "1\r\nab", "1\nx"}) {
    EXPECT_THAT(heardOf(kHead + chunk).status, StatusIs(StatusCode::kInternal)) << chunk;
  }
  const std::string part(1 << 20, 'x');
  std::string endless = kHead;
  for (int i = 0; i < 25; ++i) endless += "100000\r\n" + part + "\r\n";
  EXPECT_THAT(heardOf(endless, 1 << 20).status, StatusIs(StatusCode::kInternal));
}

// ---- Events in it ----

TEST(EventTextTest, AnyPayloadComesBackAndAnEventIsReadByOthersToo) {
  const std::string event = R"({"event":"a,b","data":{"text":"hä"}})";
  EXPECT_EQ(publishedText(event), event);
  for (const std::string& payload :
       {event, std::string(), std::string("x,y"), std::string("{\n}"), std::string("{\r}"),
        std::string("{\0}", 3), std::string("{\xff}"), std::string("%base64:eA==")}) {
    const std::string text = publishedText(payload);
    EXPECT_EQ(text.find_first_of("\r\n"), std::string::npos);
    EXPECT_EQ(payloadOfText(text), payload);
  }
  EXPECT_EQ(payloadOfText("%base64:*"), std::nullopt);
  EXPECT_EQ(payloadOfText("hello"), std::nullopt);
}

TEST(EventTextTest, APatternMatchesItsPrefixAlone) {
  EXPECT_EQ(patternOfPrefix("shop:events:"), "shop:events:*");
  EXPECT_EQ(patternOfPrefix("a*?[b]\\"), "a\\*\\?\\[b\\]\\\\*");
  EXPECT_EQ(pathSegment("shop:events:*"), "shop:events:%2A");
  EXPECT_EQ(pathSegment("a/b?c%ä"), "a%2Fb%3Fc%25%C3%A4");
}

TEST(EventTextTest, ReadsWhatTheStreamSays) {
  EXPECT_TRUE(isConfirmation("psubscribe,a:*,1", "a:*"));
  for (const char* other : {"subscribe,a:*,1", "psubscribe,b:*,1", "psubscribe,a:*", ""}) {
    EXPECT_FALSE(isConfirmation(other, "a:*")) << other;
  }
  const auto all = [](std::string_view) { return true; };
  const auto event = parseStreamed(R"(pmessage,a:*,a:1,{"x":1,"y":2})", "a:*", all);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->channel, "a:1");
  EXPECT_EQ(event->text, R"({"x":1,"y":2})");
  for (const char* other : {"pmessage,b:*,b:1,{}", "pmessage,a:*,a:1", "pmessage,a:*,a:1,hello",
                            "message,a:*,a:1,{}", ""}) {
    EXPECT_EQ(parseStreamed(other, "a:*", all), std::nullopt) << other;
  }
}

TEST(EventTextTest, AChannelMayHoldCommas) {
  const auto wanted = [](std::string_view channel) {
    return channel == "a:1" || channel == "a:1,{2}";
  };
  EXPECT_EQ(parseStreamed("pmessage,a:*,a:1,{2},{}", "a:*", wanted)->channel, "a:1,{2}");
  EXPECT_EQ(parseStreamed("pmessage,a:*,a:1,{},2", "a:*", wanted)->channel, "a:1");
  EXPECT_EQ(parseStreamed("pmessage,a:*,a:3,{}", "a:*", wanted), std::nullopt);
}

}  // namespace
}  // namespace strata::internal
