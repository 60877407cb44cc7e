// The streams of the example service in the test's own process, so that the test has their clock and can
// change a store past the events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "examples/copilot_server/application.h"
#include "examples/copilot_server/http_server.h"
#include "examples/copilot_server/service.h"
#include "examples/copilot_server/signed_token.h"
#include "strata/records/json_codec.h"
#include "strata/stores/conversations/conversation_events.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"
#include "testing/servers/server_process.h"
#include "tests/examples/copilot_process.h"

namespace copilot {
namespace {

using strata::testing::curl;
using strata::testing::EventReader;
using strata::testing::HttpReply;
using strata::testing::IsOk;
using strata::testing::tokenOf;
using strata::testing::User;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kTenant = "6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11";
const User kAda = {kTenant, "0f6a1b52-7a3e-4c39-8a54-5b1f6c1d2e3f"};
const User kBob = {kTenant, "c56a4180-65aa-42ec-a945-5fd21dec0538"};

class EventStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto guard = strata::testing::internal::Guard::start();
    ASSERT_THAT(guard, IsOk());
    guard_ = *std::move(guard);
    settings_.global_per_minute = settings_.writes_per_minute = 1'000'000;
    auto service = openService({}, settings_);
    ASSERT_THAT(service, IsOk());
    service_ = *std::move(service);
    service_->clock = &clock_;
    startServer();
  }
  void startServer() {
    application_ = std::make_unique<Application>(*service_, settings_);
    auto server = HttpServer::start(
        {.port = 0, .lane = Application::laneOf, .admit = [this](const Request& request) {
           return application_->admit(request);
         }});
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  void TearDown() override {
    if (server_ == nullptr) return;
    const bool has_ended = server_->drain(absl::Seconds(20));
    EXPECT_TRUE(has_ended);
  }

  static std::vector<std::string> identityOf(const User& user) {
    return {"-H", "X-Tenant-Id: " + user.tenant, "-H", "X-User-Id: " + user.id};
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }
  HttpReply send(const User& user, const std::string& method, const std::string& path,
                 const std::string& body) const {
    std::vector<std::string> arguments = identityOf(user);
    arguments.insert(arguments.end(), {"-X", method, "--data-binary", body, url(path)});
    return curl(guard_->folder(), arguments);
  }
  std::unique_ptr<EventReader> follow(const User& user, const std::string& path) {
    std::vector<std::string> arguments = identityOf(user);
    arguments.push_back(url(path));
    return std::make_unique<EventReader>(
        *guard_, guard_->folder() + "/events-" + std::to_string(++readers_), arguments);
  }
  std::string createShared() const {
    return send(kAda, "POST", "/v1/conversations", R"({"share_audience": "tenant"})").text("id");
  }
  // As a revocation whose event is lost.
  void makePrivate(const std::string& id) const {
    EXPECT_THAT(
        service_->conversations->updateSharing({.tenant_id = kTenant, .user_id = kAda.id}, id,
                                               {.share_audience = strata::ShareAudience::kPrivate}),
        IsOk());
  }

  std::unique_ptr<strata::testing::internal::Guard> guard_;
  strata::testing::FakeClock clock_{strata::Clock::system().wallTime()};
  Settings settings_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Application> application_;
  std::unique_ptr<HttpServer> server_;
  int readers_ = 0;
};

// A reader whose right had ended heard every later message, while the conversation was 404 for them.
TEST_F(EventStreamTest, AsksAgainForTheRightToReadBeforeAMessage) {
  const std::string id = createShared();
  const std::string path = "/v1/conversations/" + id;
  const auto bob = follow(kBob, path + "/events");
  const auto ada = follow(kAda, path + "/events");
  ASSERT_TRUE(bob->reads(": live"));
  ASSERT_TRUE(ada->reads(": live"));
  send(kAda, "POST", path + "/messages", R"({"content": "for all"})");
  ASSERT_TRUE(bob->reads("for all"));

  makePrivate(id);
  clock_.advance(absl::Seconds(5));
  send(kAda, "POST", path + "/messages", R"({"content": "in private"})");
  EXPECT_TRUE(ada->reads("in private"));
  EXPECT_TRUE(bob->reads("event: bye"));
  EXPECT_TRUE(bob->hasEnded());
  EXPECT_THAT(bob->text(), Not(HasSubstr("in private")));
}

TEST_F(EventStreamTest, EndsWithTheTokenOfItsReader) {
  ASSERT_TRUE(server_->drain(absl::Seconds(20)));
  server_ = nullptr;
  const std::string key(32, 'k');
  settings_.identity.tokens = *TokenVerifier::ofSecret(strata::Secret(key), "strata");
  startServer();
  const absl::Time expires = absl::Now() + absl::Hours(1);
  const std::string token = tokenOf(kAda, key, absl::ToUnixSeconds(expires));
  EventReader list(*guard_, guard_->folder() + "/events",
                   {"-H", "Authorization: Bearer " + token, url("/v1/events")});
  ASSERT_TRUE(list.reads("event: snapshot"));
  clock_.advance(absl::Hours(1));
  const strata::Conversation news{.id = "7d9e9a52-1111-4c39-8a54-5b1f6c1d2e3f",
                                  .tenant_id = kTenant,
                                  .user_id = kAda.id,
                                  .title = "News"};
  ASSERT_THAT(service_->events->publish(strata::conversationListEvents(kTenant), "upsert",
                                        *strata::Json::parse(strata::encodeJson(news))),
              IsOk());
  EXPECT_TRUE(list.reads("event: bye"));
  EXPECT_TRUE(list.hasEnded());
  EXPECT_THAT(list.text(), Not(HasSubstr("News")));
}

// The list said that a conversation was deleted to those who never could read it.
TEST_F(EventStreamTest, TellsNoIdOfWhatItsReaderNeverCouldRead) {
  const auto list = follow(kBob, "/v1/events");
  ASSERT_TRUE(list->reads("event: snapshot"));
  const std::string secret = send(kAda, "POST", "/v1/conversations", "{}").text("id");
  ASSERT_EQ(
      send(kAda, "PATCH", "/v1/conversations/" + secret, R"({"tenant_access": "edit"})").status,
      200);
  const std::string shared = createShared();
  ASSERT_TRUE(list->reads(shared));
  EXPECT_THAT(list->text(), Not(HasSubstr(secret)));
  // Of one that they could read they hear that it is gone, also where this stream never showed it.
  const auto later = follow(kBob, "/v1/events?status=archived");
  ASSERT_TRUE(later->reads("event: snapshot"));
  send(kAda, "PATCH", "/v1/conversations/" + shared, R"({"share_audience": "private"})");
  for (const auto* reader : {list.get(), later.get()}) {
    EXPECT_TRUE(reader->reads("event: deleted\ndata: {\"id\":\"" + shared + "\"}"))
        << reader->text();
    EXPECT_THAT(reader->text(), Not(HasSubstr("was_shared")));
  }
}

// A request that had changed the conversation before it became private, and publishes after it, showed it
// again.
TEST_F(EventStreamTest, ShowsNothingThatIsOlderThanWhatItTold) {
  const std::string id = createShared();
  const auto list = follow(kBob, "/v1/events");
  ASSERT_TRUE(list->reads("event: snapshot"));
  const auto shared =
      service_->conversations->getConversation({.tenant_id = kTenant, .user_id = kAda.id}, id);
  ASSERT_THAT(shared, IsOk());
  send(kAda, "PATCH", "/v1/conversations/" + id, R"({"share_audience": "private"})");
  ASSERT_TRUE(list->reads("event: deleted"));
  ASSERT_THAT(service_->events->publish(strata::conversationListEvents(kTenant), "upsert",
                                        *strata::Json::parse(strata::encodeJson(**shared))),
              IsOk());
  const std::string next = createShared();
  ASSERT_TRUE(list->reads(next));
  EXPECT_EQ(list->text().find(id, list->text().find("event: deleted\ndata: {\"id\":\"" + id) + 40),
            std::string::npos);
}

// The answer was 500, and the log said that the service had failed.
TEST_F(EventStreamTest, IsRefusedForAnIdThatCannotBe) {
  for (const char* id : {"%00", "%FF"}) {
    EXPECT_EQ(send(kAda, "GET", std::string("/v1/conversations/") + id + "/events", "").status, 400)
        << id;
  }
}

}  // namespace
}  // namespace copilot
