// The REST adapter on a proxy that refuses, hangs, closes, or is no such thing.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/adapters/upstash/upstash_fixture.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::Optional;
using testing::StatusIs;
using Kind = testing::UpstashFault::Kind;

class UpstashFaultsTest : public UpstashTest {};

// ---- Answers ----

TEST_F(UpstashFaultsTest, EveryStatusIsMappedForEveryCall) {
  const std::vector<std::pair<unsigned, StatusCode>> cases = {
      {301, StatusCode::kFailedPrecondition}, {400, StatusCode::kInternal},
      {401, StatusCode::kPermissionDenied},   {403, StatusCode::kPermissionDenied},
      {404, StatusCode::kFailedPrecondition}, {413, StatusCode::kResourceExhausted},
      {418, StatusCode::kInternal},           {429, StatusCode::kResourceExhausted},
      {500, StatusCode::kUnavailable},        {502, StatusCode::kUnavailable},
      {503, StatusCode::kUnavailable},        {504, StatusCode::kUnavailable}};
  for (const auto& [status, code] : cases) {
    proxy_->inject({.kind = Kind::kAnswer, .status = status, .body = "<html>the-token</html>"});
    for (const absl::Status& answered : everyCall(*cache_)) {
      EXPECT_THAT(answered, StatusIs(code)) << status;
      EXPECT_THAT(describe(answered), Not(HasSubstr("the-"))) << status;
    }
  }
  proxy_->heal();
  EXPECT_OK(cache_->ping());
}

// A token that is rotated: what was refused was not executed, so even a plain write is sent again.
TEST_F(UpstashFaultsTest, ARefusedTokenIsAskedForAgainAndUsedIfItIsAnother) {
  std::vector<std::string> tokens{"the-old-token", "the-token"};
  std::size_t asked = 0;
  UpstashOptions options = optionsFor(*proxy_);
  options.token = {};
  options.token_source = [&] {
    return absl::StatusOr<Secret>(tokens[std::min(asked++, tokens.size() - 1)]);
  };
  const auto cache = UpstashCache::create(options).value();
  EXPECT_OK(cache->set("a", "x", kLong));
  EXPECT_OK(cache->ping());
  EXPECT_EQ(asked, 2U) << "and is kept while it works";
  EXPECT_EQ(proxy_->requests(), 3U);

  tokens = {"the-old-token"};
  proxy_->inject({.kind = Kind::kAnswer, .status = 401, .body = "{\"error\":\"Unauthorized\"}"});
  EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kPermissionDenied));
  proxy_->heal();
  EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kPermissionDenied, Not(HasSubstr("the-old"))));
  tokens = {"the-token"};
  EXPECT_OK(cache->ping());
}

TEST_F(UpstashFaultsTest, ASourceOfTokensThatThrowsIsAStatus) {
  UpstashOptions options = optionsFor(*proxy_);
  options.token_source = []() -> absl::StatusOr<Secret> { throw std::runtime_error("the-token"); };
  EXPECT_THAT(UpstashCache::create(options).value()->ping(),
              StatusIs(StatusCode::kInternal, Not(HasSubstr("the-token"))));
  EXPECT_EQ(proxy_->requests(), 0U);
}

TEST_F(UpstashFaultsTest, BeingRateLimitedIsNeitherWaitedOutNorRepeated) {
  proxy_->inject({.kind = Kind::kAnswer,
                  .status = 429,
                  .body = "{\"error\":\"too many\"}",
                  .header = "Retry-After: 3600"});
  EXPECT_LT(timeOf([&] {
              EXPECT_THAT(lease(*cache_, "a"),
                          StatusIs(StatusCode::kResourceExhausted, HasSubstr("rate limited")));
            }),
            kSoon);
  EXPECT_EQ(proxy_->requests(), 1U);
}

TEST_F(UpstashFaultsTest, AnErrorOfACommandIsMappedWhereverItStands) {
  proxy_->inject({.kind = Kind::kAnswer, .body = "{\"error\":\"READONLY the-key\"}"});
  EXPECT_THAT(lease(*cache_, "the-key"),
              StatusIs(StatusCode::kUnavailable, Not(HasSubstr("the-key"))));
  proxy_->inject({.kind = Kind::kAnswer, .status = 400, .body = "{\"error\":\"OOM the-key\"}"});
  EXPECT_THAT(cache_->set("the-key", "x", kLong), StatusIs(StatusCode::kResourceExhausted));
  const std::vector<LeaseRequest> two{{"a", "L"}, {"b", "L"}};
  for (const auto& reply : cache_->getOrLease(two, kLong)) {
    EXPECT_THAT(reply, StatusIs(StatusCode::kResourceExhausted));
  }
}

// B-27
TEST_F(UpstashFaultsTest, AnAnswerThatMakesNoSenseIsAnErrorOfItsCallAlone) {
  for (const char* body : {"nonsense", "{}", "{\"result\":{}}", "[]", "{\"result\":\"?\"}"}) {
    proxy_->inject({.kind = Kind::kAnswer, .body = body});
    for (const absl::Status& status : everyCall(*cache_)) {
      EXPECT_THAT(status, StatusIs(StatusCode::kInternal)) << body;
    }
    proxy_->heal();
    EXPECT_OK(cache_->set("a", "x", kLong));
    EXPECT_THAT(cache_->get("a"), IsOkAndHolds(Optional(std::string("x"))));
  }
}

TEST_F(UpstashFaultsTest, AReplyOfAnotherKindThanExpectedIsAnError) {
  proxy_->inject({.kind = Kind::kAnswer, .body = "{\"result\":[null,null]}"});
  EXPECT_THAT(cache_->get("a"), StatusIs(StatusCode::kInternal)) << "two values for one key";
  EXPECT_THAT(cache_->set("a", "x", kLong), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(removeFrom(*cache_, "a"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(lease(*cache_, "a"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(fill(*cache_, "a"), StatusIs(StatusCode::kInternal));
}

// B-27
TEST_F(UpstashFaultsTest, GarbageInsteadOfHttpClosesTheConnection) {
  for (const char* garbage :
       {"-ERR unknown command 'POST'\r\n", "\x15\x03\x01", "HTTP/9.9 x\r\n"}) {
    proxy_->inject({.kind = Kind::kGarbage, .body = garbage, .times = 1});
    UpstashOptions options = optionsFor(*proxy_);
    options.request_timeout = absl::Milliseconds(500);
    const auto cache = UpstashCache::create(options).value();
    const std::size_t before = proxy_->connections();
    EXPECT_THAT(cache->get("a"),
                StatusIs(AnyOf(StatusCode::kInternal, StatusCode::kDeadlineExceeded)));
    EXPECT_OK(cache->ping());
    EXPECT_EQ(proxy_->connections(), before + 2);
  }
}

// ---- Time ----

// B-26
TEST_F(UpstashFaultsTest, AServerThatHangsCostsTheTimeoutOfACall) {
  // Enough for the threads of the proxy to read a request, on a busy machine too.
  constexpr absl::Duration kTimeout = absl::Milliseconds(500);
  const auto cache = cacheWith(kTimeout);
  inject(Kind::kHang);
  for (const absl::Duration taken :
       {timeOf([&] { EXPECT_THAT(cache->get("a"), StatusIs(StatusCode::kDeadlineExceeded)); }),
        timeOf([&] { EXPECT_THAT(lease(*cache, "a"), StatusIs(StatusCode::kDeadlineExceeded)); }),
        timeOf([&] {
          EXPECT_THAT(removeFrom(*cache, "a"), StatusIs(StatusCode::kDeadlineExceeded));
        })}) {
    EXPECT_GE(taken, kTimeout - absl::Milliseconds(1));
    EXPECT_LT(taken, kSoon);
  }
  EXPECT_EQ(proxy_->requests(), 3U) << "nothing is repeated after a timeout";
  proxy_->heal();
  EXPECT_TRUE(testing::eventually([&] { return cache->ping().ok(); }));
}

TEST_F(UpstashFaultsTest, ADeadlineEndsACallBeforeItsTimeout) {
  inject(Kind::kHang);
  EXPECT_LT(timeOf([&] {
              EXPECT_THAT(cache_->get("a", Deadline::in(absl::Milliseconds(30))),
                          StatusIs(StatusCode::kDeadlineExceeded));
            }),
            kSoon);
}

// Each byte comes in time; the answer does not.
TEST_F(UpstashFaultsTest, AnAnswerThatTricklesIsNotWaitedForBeyondTheTimeout) {
  const auto cache = cacheWith(absl::Milliseconds(150));
  inject(Kind::kTrickle);
  EXPECT_LT(timeOf([&] { EXPECT_THAT(cache->get("a"), StatusIs(StatusCode::kDeadlineExceeded)); }),
            kSoon);
}

TEST_F(UpstashFaultsTest, AServerThatNeverFinishesTheHandshakeCostsTheConnectTimeout) {
  const auto silent = testing::TcpProxy::start(1).value();
  silent->setMode(testing::TcpProxy::Mode::kSilent);
  UpstashOptions options = optionsFor(*proxy_);
  options.url = "https://localhost:" + std::to_string(silent->port());
  options.connect_timeout = absl::Milliseconds(50);
  const auto cache = UpstashCache::create(options).value();
  EXPECT_LT(timeOf([&] { EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kDeadlineExceeded)); }),
            kSoon);
}

// B-25
TEST_F(UpstashFaultsTest, AServerThatIsNotThereIsUnavailableAtOnce) {
  const auto refusing = testing::TcpProxy::start(1).value();
  refusing->setMode(testing::TcpProxy::Mode::kRefuse);
  UpstashOptions options = optionsFor(*proxy_);
  options.url = "https://localhost:" + std::to_string(refusing->port());
  const auto cache = UpstashCache::create(options).value();
  EXPECT_LT(timeOf([&] {
              for (const absl::Status& status : everyCall(*cache)) {
                EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable));
              }
            }),
            kSoon);
}

TEST_F(UpstashFaultsTest, ACallThatFindsEveryConnectionBusyWaitsForItsTimeoutOnly) {
  UpstashOptions options = optionsFor(*proxy_);
  options.max_connections = 1;
  options.request_timeout = absl::Milliseconds(300);
  const auto cache = UpstashCache::create(options).value();
  proxy_->inject({.kind = Kind::kHang});
  std::jthread holder([&] { cache->ping().IgnoreError(); });
  EXPECT_TRUE(testing::eventually([&] { return proxy_->requests() == 1; }));
  EXPECT_THAT(cache->get("a", Deadline::in(absl::Milliseconds(20))),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("busy")));
}

// ---- Connections that close ----

TEST_F(UpstashFaultsTest, AKeptConnectionThatTheServerClosedIsNoticedBeforeUse) {
  for (const bool encrypted : {false, true}) {
    const auto proxy = encrypted ? encryptedProxy() : std::move(proxy_);
    const auto cache = UpstashCache::create(optionsFor(*proxy)).value();
    ASSERT_OK(cache->ping());
    for (int i = 0; i < 5; ++i) {
      proxy->closeConnections();
      EXPECT_OK(cache->set("a", std::to_string(i), kLong)) << "even what must not be sent twice";
    }
    EXPECT_EQ(proxy->requests(), 6U);
  }
}

TEST_F(UpstashFaultsTest, WhatIsHarmlessIsSentAgainWhenAKeptConnectionCloses) {
  for (const bool encrypted : {false, true}) {
    const auto proxy = encrypted ? encryptedProxy() : std::move(proxy_);
    const auto cache = UpstashCache::create(optionsFor(*proxy)).value();
    const auto close_once = [&](bool executes = false) {
      ASSERT_OK(cache->ping());
      proxy->inject({.kind = Kind::kClose, .times = 1, .executes = executes});
    };
    close_once();
    EXPECT_THAT(cache->get("a"), IsOkAndHolds(Eq(std::nullopt)));
    ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache, "a"));
    EXPECT_TRUE(reply.leased);
    close_once();
    EXPECT_THAT(fill(*cache, "a"), IsOkAndHolds(true));
    close_once(true);
    EXPECT_THAT(fill(*cache, "a", "value"), IsOkAndHolds(true));
    close_once(true);
    EXPECT_OK(removeFrom(*cache, "a"));
    EXPECT_EQ(proxy->requests(), 13U) << "a lease, and four times: ping, the request, it again";
  }
}

TEST_F(UpstashFaultsTest, ASetIsNeverSentAgain) {
  ASSERT_OK(cache_->ping());
  inject(Kind::kClose);
  EXPECT_THAT(cache_->set("a", "x", kLong), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(proxy_->requests(), 2U);
}

// One that was executed late gave a lease back that a deletion had taken, and its reader's old
// value was stored.
TEST_F(UpstashFaultsTest, ALeaseIsNeverSentAgain) {
  ASSERT_OK(cache_->ping());
  inject(Kind::kClose);
  EXPECT_THAT(lease(*cache_, "a"), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(proxy_->requests(), 2U);
}

TEST_F(UpstashFaultsTest, NothingIsSentMoreThanTwiceNorAgainOnAFreshConnection) {
  inject(Kind::kClose);
  EXPECT_THAT(cache_->get("a"), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(proxy_->requests(), 1U) << "the connection was a fresh one";
  proxy_->heal();
  ASSERT_OK(cache_->ping());
  inject(Kind::kClose);
  EXPECT_THAT(cache_->get("a"), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(proxy_->requests(), 4U);
}

// B-27
TEST_F(UpstashFaultsTest, AnAnswerThatIsCutOffIsNeitherBelievedNorAskedForAgain) {
  for (const bool encrypted : {false, true}) {
    const auto proxy = encrypted ? encryptedProxy() : std::move(proxy_);
    const auto cache = UpstashCache::create(optionsFor(*proxy)).value();
    ASSERT_OK(cache->set("a", "a value of some length", kLong));
    proxy->inject({.kind = Kind::kCut, .executes = true});
    EXPECT_THAT(cache->get("a"), StatusIs(StatusCode::kUnavailable));
    EXPECT_EQ(proxy->requests(), 2U);
    proxy->heal();
    EXPECT_THAT(cache->get("a"), IsOkAndHolds(Optional(std::string("a value of some length"))));
  }
}

// A call of several requests once went on on a connection that the first answer had ended.
TEST_F(UpstashFaultsTest, ACallGoesOnOnAnotherConnectionWhenAnAnswerEndsItsOwn) {
  std::vector<std::string> keys;
  std::vector<LeaseRequest> requests;
  for (int i = 0; i < 300; ++i) keys.push_back("key" + std::to_string(i));
  for (const std::string& key : keys) requests.push_back({key, "L"});
  std::string body = "[{\"result\":null}";
  for (int i = 1; i < 256; ++i) body += ",{\"result\":null}";
  proxy_->inject(
      {.kind = Kind::kAnswer, .body = body + "]", .header = "Connection: close", .times = 1});
  for (const auto& reply : cache_->getOrLease(requests, kLong)) ASSERT_OK(reply);
  EXPECT_EQ(proxy_->requests(), 2U);
  EXPECT_EQ(proxy_->connections(), 2U);
}

TEST_F(UpstashFaultsTest, AConnectionThatWasIdleForTooLongIsReplaced) {
  UpstashOptions options = optionsFor(*proxy_);
  options.idle_timeout = absl::Nanoseconds(1);
  const auto cache = UpstashCache::create(options).value();
  for (int i = 0; i < 3; ++i) ASSERT_OK(cache->ping());
  EXPECT_EQ(proxy_->connections(), 3U);
}

}  // namespace
}  // namespace strata
