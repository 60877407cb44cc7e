// The example service without servers, end to end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "strata/testing/eventually.h"
#include "tests/examples/copilot_process.h"

namespace strata {
namespace {

using testing::CopilotProcess;
using testing::eventually;
using ::testing::HasSubstr;
using testing::HttpReply;
using ::testing::Not;
using testing::RawConnection;
using testing::User;

const std::string kTenant = "6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11";
const User kAda = {kTenant, "0f6a1b52-7a3e-4c39-8a54-5b1f6c1d2e3f"};
const User kBob = {kTenant, "c56a4180-65aa-42ec-a945-5fd21dec0538"};
const User kStranger = {"9f1c1b1e-3f0a-4a55-8f0e-0d9f5c2b7e10", kAda.id};
constexpr const char* kUnlimited = "1000000";

class CopilotServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = CopilotProcess::start({std::string("RATE_LIMIT_GLOBAL_PER_MINUTE=") + kUnlimited,
                                    std::string("RATE_LIMIT_WRITE_PER_MINUTE=") + kUnlimited,
                                    std::string("RATE_LIMIT_AI_PER_MINUTE=") + kUnlimited,
                                    "HEARTBEAT_SECONDS=1"})
                 .release();
  }
  static void TearDownTestSuite() { delete server; }
  void SetUp() override { ASSERT_NE(server, nullptr); }

  static std::string createConversation(const User& user, const std::string& body = "{}") {
    const HttpReply made = server->send(user, "POST", "/v1/conversations", body);
    EXPECT_EQ(made.status, 201) << made.body;
    return made.text("id");
  }
  static std::string conversation(const std::string& id) { return "/v1/conversations/" + id; }
  static std::size_t countOf(const HttpReply& reply, const char* member) {
    const auto json = reply.json();
    return json.is_object() ? json.at(member).as_array().size() : 0;
  }

  static CopilotProcess* server;
};

CopilotProcess* CopilotServerTest::server = nullptr;

TEST_F(CopilotServerTest, AnswersProbes) {
  EXPECT_EQ(server->ask("/livez").body, "ok\n");
  EXPECT_EQ(server->ask("/readyz").status, 200);
  EXPECT_THAT(server->ask("/readyz?verbose").body, HasSubstr("[+] events ok\n"));
  EXPECT_EQ(server->ask("/readyz/events").status, 200);
  EXPECT_EQ(server->ask("/readyz/nothing").status, 404);
  EXPECT_EQ(server->ask("/healthz").text("state"), "pass");
  EXPECT_THAT(server->ask("/metrics").body, HasSubstr("copilot_server_responses_total"));
  EXPECT_THAT(server->ask("/statusz").body, HasSubstr(">events<"));
  EXPECT_EQ(server->ask("/livez", {"--head"}).status, 200);
  EXPECT_EQ(server->ask("/readyz", {"-X", "POST"}).headers["allow"], "GET, HEAD");
}

TEST_F(CopilotServerTest, KeepsThePolicyOfATenant) {
  EXPECT_EQ(server->get(kAda, "/v1/policy").status, 404);
  const HttpReply put = server->send(kAda, "PUT", "/v1/policy",
                                     R"({"default_model": "small", "default_provider": "local",
                                         "egress_mode": "report-only"})");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.text("updated_by"), kAda.id);
  EXPECT_EQ(server->get(kBob, "/v1/policy").text("egress_mode"), "report-only");
  EXPECT_EQ(server->get(kStranger, "/v1/policy").status, 404);
  const HttpReply bad = server->send(kAda, "PUT", "/v1/policy", R"({"default_model": 5})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.body, HasSubstr("default_model"));
  EXPECT_EQ(server->send(kAda, "DELETE", "/v1/policy").status, 204);
  EXPECT_EQ(server->get(kAda, "/v1/policy").status, 404);
}

TEST_F(CopilotServerTest, KeepsConversations) {
  const std::string id = createConversation(kAda, R"({"title": "On layers"})");
  EXPECT_EQ(server->get(kAda, conversation(id)).text("title"), "On layers");
  EXPECT_EQ(server->send(kAda, "PATCH", conversation(id), R"({"title": "Strata"})").text("title"),
            "Strata");
  const HttpReply cleared = server->send(kAda, "PATCH", conversation(id), R"({"title": null})");
  EXPECT_TRUE(cleared.json().at("title").is_null());
  EXPECT_EQ(server->send(kAda, "PATCH", conversation(id), "{}").status, 400);

  EXPECT_EQ(server->send(kAda, "DELETE", conversation(id)).status, 204);
  EXPECT_THAT(server->get(kAda, "/v1/conversations").body, Not(HasSubstr(id)));
  EXPECT_THAT(server->get(kAda, "/v1/conversations?status=archived").body, HasSubstr(id));
  EXPECT_TRUE(server->send(kAda, "PATCH", conversation(id), R"({"archived": false})")
                  .json()
                  .at("archived_at")
                  .is_null());
}

TEST_F(CopilotServerTest, ListsConversationsPageByPage) {
  const User reader = {"3f0d1c1e-0000-4a55-8f0e-0d9f5c2b7e10", kAda.id};
  for (int i = 0; i < 3; ++i) createConversation(reader);
  const HttpReply first = server->get(reader, "/v1/conversations?limit=2");
  EXPECT_EQ(countOf(first, "conversations"), 2u);
  const HttpReply second =
      server->get(reader, "/v1/conversations?limit=2&cursor=" + first.text("next_cursor"));
  EXPECT_EQ(countOf(second, "conversations"), 1u);
  EXPECT_TRUE(second.json().at("next_cursor").is_null());
  EXPECT_EQ(server->get(reader, "/v1/conversations?cursor=nonsense").status, 400);
  EXPECT_EQ(server->get(reader, "/v1/conversations?limit=many").status, 400);
  EXPECT_EQ(server->get(reader, "/v1/conversations?status=lost").status, 400);
}

// B-81, B-82, B-83
TEST_F(CopilotServerTest, ShowsAConversationOnlyToThoseWhoMayReadIt) {
  const std::string id = createConversation(kAda);
  EXPECT_EQ(server->get(kAda, conversation(id)).status, 200);
  EXPECT_EQ(server->get(kBob, conversation(id)).status, 404);
  EXPECT_EQ(server->get(kBob, conversation(id) + "/events").status, 404);
  EXPECT_EQ(server->get(kStranger, conversation(id)).status, 404);

  server->send(kAda, "PATCH", conversation(id), R"({"share_audience": "tenant"})");
  EXPECT_EQ(server->get(kBob, conversation(id)).status, 200);
  EXPECT_EQ(server->get(kStranger, conversation(id)).status, 404);
  EXPECT_EQ(server->send(kBob, "PATCH", conversation(id), R"({"title": "Mine"})").status, 403);
  for (const char* role : {"user", "assistant"}) {
    EXPECT_EQ(server
                  ->send(kBob, "POST", conversation(id) + "/messages",
                         R"({"content": "x", "role": ")" + std::string(role) + "\"}")
                  .status,
              403);
  }
  server->send(kAda, "PATCH", conversation(id), R"({"share_audience": "private"})");
  EXPECT_EQ(server->get(kBob, conversation(id)).status, 404);
}

TEST_F(CopilotServerTest, KeepsMessages) {
  const std::string messages = conversation(createConversation(kAda)) + "/messages";
  const std::string id = "7d9e9a52-1111-4c39-8a54-5b1f6c1d2e3f";
  const HttpReply made = server->send(
      kAda, "POST", messages, R"({"id": ")" + id + R"(", "content": "Hi", "metadata": {"a": 1}})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json().at("sequence_in_path").as_int64(), 1);
  EXPECT_EQ(
      server->send(kAda, "POST", messages, R"({"content": "Hello", "role": "assistant"})").status,
      201);
  EXPECT_EQ(countOf(server->get(kAda, messages), "messages"), 2u);
  EXPECT_EQ(countOf(server->get(kAda, messages + "?limit=1"), "messages"), 1u);
  // A request that was repeated.
  EXPECT_EQ(
      server->send(kAda, "POST", messages, R"({"id": ")" + id + R"(", "content": "Hi"})").status,
      409);
  EXPECT_EQ(server->send(kAda, "POST", messages, R"({"content": ""})").status, 400);
}

TEST_F(CopilotServerTest, BuildsTheContextOfAUser) {
  EXPECT_EQ(server->send(kAda, "POST", "/v1/me/dreams", R"({"title": "x"})").status, 404);
  EXPECT_EQ(server->send(kAda, "PUT", "/v1/me", R"({"name": "Ada", "tier": "pro"})").status, 200);
  EXPECT_EQ(server->send(kAda, "POST", "/v1/me/dreams", R"({"title": "Write a book"})").status,
            201);
  const HttpReply session = server->send(kAda, "POST", "/v1/me/sessions", R"({"title": "Why"})");
  EXPECT_EQ(session.status, 201);
  EXPECT_EQ(server->send(kAda, "POST", "/v1/me/sessions/" + session.text("id") + "/messages")
                .json()
                .at("message_count")
                .as_int64(),
            1);
  EXPECT_EQ(server->send(kAda, "POST", "/v1/me/reflections", R"({"tone": "fusion"})").status, 201);
  EXPECT_EQ(server
                ->send(kAda, "PUT", "/v1/me/patterns",
                       R"({"patterns": [{"pattern_type": "value", "content": "honesty",
                                         "strength": 8}]})")
                .status,
            200);
  const HttpReply context = server->get(kAda, "/v1/me/context");
  EXPECT_EQ(countOf(context, "sections"), 5u);
  for (const char* part : {"Ada", "Write a book", "honesty", "Why"}) {
    EXPECT_THAT(context.text("text"), HasSubstr(part));
  }
  // Not of itself.
  EXPECT_THAT(server->get(kAda, "/v1/me/context?session=" + session.text("id")).text("text"),
              Not(HasSubstr("Why")));
}

TEST_F(CopilotServerTest, BranchesAConversation) {
  const std::string id = createConversation(kAda);
  const HttpReply message =
      server->send(kAda, "POST", conversation(id) + "/messages", R"({"content": "Which way?"})");
  const std::string main = message.text("path_id");
  const std::string paths = conversation(id) + "/paths";
  const HttpReply branch =
      server->send(kAda, "POST", paths,
                   R"({"name": "left", "parent_path_id": ")" + main +
                       R"(", "branch_point_message_id": ")" + message.text("id") + "\"}");
  ASSERT_EQ(branch.status, 201) << branch.body;
  EXPECT_EQ(countOf(server->get(kAda, paths), "paths"), 2u);
  const std::string of_branch = paths + "/" + branch.text("id");
  EXPECT_EQ(countOf(server->get(kAda, of_branch + "/messages"), "messages"), 1u);
  // A page: all that a path shows may be more than fits into memory.
  EXPECT_EQ(countOf(server->get(kAda, of_branch + "/messages?limit=1&offset=1"), "messages"), 0u);
  for (const char* wrong : {"limit=0", "limit=1001", "limit=x", "offset=-1"}) {
    EXPECT_EQ(server->get(kAda, of_branch + "/messages?" + wrong).status, 400) << wrong;
  }
  EXPECT_EQ(server
                ->send(kAda, "PUT", conversation(id) + "/active-path",
                       R"({"path_id": ")" + branch.text("id") + "\"}")
                .status,
            200);
  EXPECT_EQ(server->get(kAda, conversation(id) + "/active-path").text("name"), "left");
  const HttpReply merged =
      server->send(kAda, "POST", of_branch + "/merge", R"({"target_path_id": ")" + main + "\"}");
  EXPECT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(merged.text("id"), main);
}

// The stores of paths, contexts and sandboxes know the tenant alone.
TEST_F(CopilotServerTest, ShowsWhatStandsOnAConversationOnlyToThoseWhoMayReadIt) {
  const std::string id = createConversation(kAda);
  const std::string other = createConversation(kBob);
  const HttpReply message =
      server->send(kAda, "POST", conversation(id) + "/messages", R"({"content": "x"})");
  const std::string path = "/paths/" + message.text("path_id");
  EXPECT_EQ(server->send(kAda, "PUT", conversation(id) + "/context", "{}").status, 200);
  EXPECT_EQ(server->send(kAda, "PUT", conversation(id) + path + "/sandbox", "{}").status, 201);
  for (const std::string& part : {std::string("/paths"), std::string("/active-path"),
                                  std::string("/context"), path + "/messages", path + "/sandbox"}) {
    EXPECT_EQ(server->get(kAda, conversation(id) + part).status, 200) << part;
    EXPECT_EQ(server->get(kBob, conversation(id) + part).status, 404) << part;
    EXPECT_EQ(server->get(kStranger, conversation(id) + part).status, 404) << part;
  }
  // By way of a conversation of one's own.
  for (const std::string& part : {path + "/messages", path + "/sandbox"}) {
    EXPECT_EQ(server->get(kBob, conversation(other) + part).status, 404) << part;
  }
  EXPECT_EQ(server->send(kBob, "PUT", conversation(other) + path + "/sandbox", "{}").status, 404);
  EXPECT_EQ(server->send(kBob, "DELETE", conversation(other) + path + "/sandbox").status, 404);
  EXPECT_NE(server
                ->send(kBob, "PUT", conversation(other) + "/active-path",
                       R"({"path_id": ")" + message.text("path_id") + "\"}")
                .status,
            200);
  server->send(kAda, "PATCH", conversation(id), R"({"share_audience": "tenant"})");
  EXPECT_EQ(server->get(kBob, conversation(id) + path + "/sandbox").status, 200);
  EXPECT_EQ(server->send(kBob, "PUT", conversation(id) + "/context", "{}").status, 403);
  EXPECT_EQ(server->send(kBob, "PUT", conversation(id) + path + "/sandbox", "{}").status, 403);
  EXPECT_EQ(server->send(kBob, "POST", conversation(id) + "/paths", "{}").status, 403);
}

TEST_F(CopilotServerTest, KeepsTheContextAndTheSandboxOfAConversation) {
  const std::string id = createConversation(kAda);
  EXPECT_EQ(server->get(kAda, conversation(id) + "/context").status, 404);
  EXPECT_EQ(server->send(kAda, "PUT", conversation(id) + "/context", R"({"trace_id": "t-1"})")
                .text("trace_id"),
            "t-1");
  const HttpReply message =
      server->send(kAda, "POST", conversation(id) + "/messages", R"({"content": "x"})");
  const std::string sandbox = conversation(id) + "/paths/" + message.text("path_id") + "/sandbox";
  EXPECT_EQ(server->get(kAda, sandbox).status, 404);
  const HttpReply made = server->send(kAda, "PUT", sandbox, R"({"sandbox_id": "box-1"})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(server->send(kAda, "PUT", sandbox, "{}").text("id"), made.text("id"));
  EXPECT_EQ(server->send(kAda, "DELETE", sandbox).text("sandbox_status"), "terminated");
  EXPECT_EQ(server->get(kAda, sandbox).status, 404);
}

TEST_F(CopilotServerTest, KeepsSettingsOfATenantAndOfAUser) {
  const User ada = {"5b0d1c1e-0000-4a55-8f0e-0d9f5c2b7e10", kAda.id};
  const User bob = {ada.tenant, kBob.id};
  const auto most = [](const HttpReply& reply) {
    return reply.json().at("path_max_messages").as_int64();
  };
  EXPECT_EQ(most(server->get(ada, "/v1/config")), 200);
  EXPECT_EQ(most(server->send(ada, "PUT", "/v1/config", R"({"path_max_messages": 70})")), 70);
  EXPECT_EQ(most(server->send(ada, "PUT", "/v1/me/config", R"({"path_max_messages": 7})")), 7);
  EXPECT_EQ(most(server->get(bob, "/v1/config")), 70);
  EXPECT_EQ(most(server->send(ada, "DELETE", "/v1/me/config")), 70);
  EXPECT_EQ(most(server->send(ada, "DELETE", "/v1/config")), 200);
  EXPECT_EQ(server->send(ada, "PUT", "/v1/config", R"({"path_max_messages": 0})").status, 400);
}

TEST_F(CopilotServerTest, RemembersWhetherAUserIsOne) {
  const User user = {kTenant, "3f0d1c1e-1111-4a55-8f0e-0d9f5c2b7e10"};
  const auto is_valid = [&] {
    return server->get(user, "/v1/me/validation").json().at("is_valid").as_bool();
  };
  EXPECT_FALSE(is_valid());
  EXPECT_EQ(server->send(user, "PUT", "/v1/me", R"({"name": "New"})").status, 200);
  EXPECT_TRUE(is_valid());
}

TEST_F(CopilotServerTest, TakesAProfileWithoutAName) {
  const User user = {kTenant, "3f0d1c1e-1111-4a55-8f0e-0d9f5c2b7e11"};
  const auto name = [&](const std::string& body) {
    return server->send(user, "PUT", "/v1/me", body).json().at("name");
  };
  EXPECT_EQ(name(R"({"name": "Ada"})").as_string(), "Ada");
  EXPECT_TRUE(name(R"({"tier": "pro"})").is_null());
  EXPECT_TRUE(name(R"({"name": null})").is_null());
  EXPECT_EQ(name(R"({"name": ""})").as_string(), "");
  const auto text = server->get(user, "/v1/me/context").json().at("text").as_string();
  EXPECT_TRUE(text.find("Name: ") != text.npos) << text;
}

TEST_F(CopilotServerTest, HasNoRoutesForOperatorsWithoutTheirSecret) {
  EXPECT_EQ(server->send(kAda, "POST", "/admin/cache/invalidate", "{}").status, 404);
}

TEST(CopilotServer, LetsOperatorsInWithTheirSecret) {
  const std::string secret(32, 'o');
  const auto server = CopilotProcess::start({"ADMIN_SECRET=" + secret});
  ASSERT_NE(server, nullptr);
  const auto invalidate = [&](const std::string& token, const std::string& body) {
    return server
        ->ask("/admin/cache/invalidate",
              {"-H", "Authorization: Bearer " + token, "--data-binary", body})
        .status;
  };
  EXPECT_EQ(invalidate("", "{}"), 401);
  EXPECT_EQ(invalidate(secret.substr(1), R"({"everything": true})"), 401);
  EXPECT_EQ(server->send(kAda, "POST", "/admin/cache/invalidate", "{}").status, 401);
  EXPECT_EQ(invalidate(secret, "{}"), 400);
  EXPECT_EQ(invalidate(secret, R"({"everything": true, "owner": "x"})"), 400);
  // In memory nothing is cached.
  EXPECT_EQ(invalidate(secret, R"({"everything": true})"), 409);
  // It is no user.
  EXPECT_EQ(server->ask("/v1/conversations", {"-H", "Authorization: Bearer " + secret}).status,
            401);
}

TEST_F(CopilotServerTest, TellsOthersOfAMessageAtOnce) {
  const std::string id = createConversation(kAda, R"({"share_audience": "tenant"})");
  const auto follower = server->follow(kBob, conversation(id) + "/events");
  const auto list = server->follow(kBob, "/v1/events");
  ASSERT_TRUE(follower->reads(": live"));
  ASSERT_TRUE(list->reads("event: snapshot")) << list->text();
  EXPECT_TRUE(list->reads(id));

  server->send(kAda, "POST", conversation(id) + "/messages", R"({"content": "Good news"})");
  EXPECT_TRUE(follower->reads("event: message\ndata: {"));
  EXPECT_TRUE(follower->reads("Good news"));
  EXPECT_TRUE(list->reads("event: upsert\ndata: {")) << list->text();
  // It is kept alive while nothing happens.
  EXPECT_TRUE(follower->reads(": heartbeat", 2));
}

TEST_F(CopilotServerTest, TellsOnlyWhatItsReaderMayRead) {
  const auto list = server->follow(kBob, "/v1/events");
  ASSERT_TRUE(list->reads("event: snapshot"));
  const std::string id = createConversation(kAda, R"({"title": "A secret"})");
  const std::string marker = createConversation(kAda, R"({"share_audience": "tenant"})");
  ASSERT_TRUE(list->reads(marker));
  EXPECT_THAT(list->text(), Not(HasSubstr("A secret")));

  server->send(kAda, "PATCH", conversation(id), R"({"share_audience": "tenant"})");
  EXPECT_TRUE(list->reads("event: sharing\n"));
  EXPECT_TRUE(list->reads("A secret"));
  const auto follower = server->follow(kBob, conversation(id) + "/events");
  ASSERT_TRUE(follower->reads(": live"));

  server->send(kAda, "PATCH", conversation(id), R"({"share_audience": "private"})");
  EXPECT_TRUE(list->reads("event: deleted\ndata: {\"id\":\"" + id + "\"}")) << list->text();
  EXPECT_TRUE(follower->reads("event: bye"));
  EXPECT_TRUE(follower->hasEnded());
}

TEST_F(CopilotServerTest, SaysWhatIsWrongWithARequest) {
  EXPECT_EQ(server->get(kAda, "/v2").status, 404);
  EXPECT_EQ(server->send(kAda, "PATCH", "/v1/conversations").headers["allow"], "POST, GET");
  EXPECT_EQ(server->ask("/v1/policy").status, 401);
  EXPECT_EQ(server->get({"nobody", kAda.id}, "/v1/policy").status, 400);
  EXPECT_EQ(server->get(kAda, "/v1/conversations/%zz").status, 404);
  EXPECT_EQ(server->get(kAda, "/v1/conversations?limit=%z").status, 400);
  EXPECT_EQ(server->send(kAda, "PUT", "/v1/policy", "{").status, 400);
  const HttpReply missing = server->get(kAda, conversation("7d9e9a52-2222-4c39-8a54-5b1f6c1d2e3f"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.json().at("error").at("code").as_string(), "not_found");
}

TEST_F(CopilotServerTest, BoundsWhatItReads) {
  const std::string file = server->folder() + "/large";
  std::ofstream(file) << std::string((1 << 20) + 1, 'x');
  const std::vector<std::string> upload = {"--data-binary", "@" + file};
  EXPECT_EQ(server->ask("/v1/policy", upload).status, 413);
  // Without asking first whether it may send it.
  EXPECT_EQ(server->ask("/v1/policy", {"-H", "Expect:", upload[0], upload[1]}).status, 413);
  EXPECT_EQ(server->ask("/v1/policy", {"-H", "X-Large: " + std::string(20'000, 'x')}).status, 431);
  EXPECT_EQ(server->ask("/v1/policy", {"-0"}).status, 505);
  const RawConnection connection(server->port());
  connection.send("what is this\r\n\r\n");
  EXPECT_THAT(connection.readAll(), HasSubstr("HTTP/1.1 400 "));
}

TEST(CopilotServer, LimitsRequestsOfAnAddress) {
  const auto server = CopilotProcess::start({"RATE_LIMIT_GLOBAL_PER_MINUTE=2", "TRUST_PROXY=true"});
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->get(kAda, "/v1/conversations").headers["x-ratelimit-remaining"], "1");
  EXPECT_EQ(server->get(kBob, "/v1/conversations").headers["x-ratelimit-remaining"], "0");
  HttpReply denied = server->get(kAda, "/v1/conversations");
  EXPECT_EQ(denied.status, 429);
  EXPECT_EQ(denied.headers["x-ratelimit-limit"], "2");
  EXPECT_GT(std::stoi(denied.headers["retry-after"]), 0);
  EXPECT_GT(std::stoll(denied.headers["x-ratelimit-reset"]), 0);
  // Of another address, as the proxy says; what the client says before it does not count.
  const std::string of = "X-Forwarded-For: 127.0.0.1, 192.0.2.7";
  EXPECT_EQ(server
                ->ask("/v1/conversations", {"-H", of, "-H", "X-Tenant-Id: " + kAda.tenant, "-H",
                                            "X-User-Id: " + kAda.id})
                .status,
            200);
  EXPECT_EQ(server->ask("/readyz").status, 200);
}

TEST(CopilotServer, LimitsWritesAndContextsOfAUser) {
  const auto server =
      CopilotProcess::start({"RATE_LIMIT_WRITE_PER_MINUTE=1", "RATE_LIMIT_AI_PER_MINUTE=1"});
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->send(kAda, "POST", "/v1/conversations").status, 201);
  EXPECT_EQ(server->send(kAda, "POST", "/v1/conversations").status, 429);
  EXPECT_EQ(server->send(kBob, "POST", "/v1/conversations").status, 201);
  EXPECT_EQ(server->get(kAda, "/v1/conversations").status, 200);
  EXPECT_EQ(server->get(kAda, "/v1/me/context").status, 200);
  EXPECT_EQ(server->get(kAda, "/v1/me/context").status, 429);
}

TEST(CopilotServer, NamesEveryVariableThatIsWrong) {
  const auto run = testing::runCopilot(
      {"PORT=http", "WORKER_THREADS=0", "TRUST_PROXY=maybe", "CACHE_PROVIDER=paper"});
  EXPECT_EQ(run.exit_code, 2);
  for (const char* name : {"PORT", "WORKER_THREADS", "TRUST_PROXY", "CACHE_PROVIDER"}) {
    EXPECT_THAT(run.output, HasSubstr(name));
  }
}

// B-74
TEST(CopilotServer, EndsInOrder) {
  const auto server = CopilotProcess::start();
  ASSERT_NE(server, nullptr);
  const auto list = server->follow(kAda, "/v1/events");
  ASSERT_TRUE(list->reads("event: snapshot"));
  const RawConnection idle(server->port());
  // A request of which the half is there.
  const RawConnection busy(server->port());
  const std::string body = R"({"title": "Just in time"})";
  busy.send("POST /v1/conversations HTTP/1.1\r\nHost: h\r\nX-Tenant-Id: " + kAda.tenant +
            "\r\nX-User-Id: " + kAda.id + "\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body.substr(0, 5));
  // Answered after it, so the half has arrived.
  ASSERT_EQ(server->ask("/livez").status, 200);

  server->process().signal(SIGTERM);
  EXPECT_TRUE(list->reads("event: bye"));
  EXPECT_TRUE(list->hasEnded());
  EXPECT_TRUE(eventually([&] { return !RawConnection(server->port()).connected(); }));
  EXPECT_EQ(idle.readAll(), "");
  EXPECT_NE(server->process().pid(), 0);
  busy.send(body.substr(5));
  const std::string answer = busy.readAll();
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 201 Created"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, HasSubstr("Just in time"));
  EXPECT_TRUE(server->process().waitForEnd(absl::Seconds(10)));
  EXPECT_EQ(server->process().exitCode(), 0);
}

// B-74
TEST(CopilotServer, IsNotReadyWhileItStillServes) {
  const auto server = CopilotProcess::start({"DRAIN_DELAY_SECONDS=300"});
  ASSERT_NE(server, nullptr);
  server->process().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return server->ask("/readyz").status == 503; }));
  EXPECT_THAT(server->ask("/readyz").body, HasSubstr("about to end"));
  EXPECT_EQ(server->ask("/livez").status, 200);
  HttpReply served = server->get(kAda, "/v1/conversations");
  EXPECT_EQ(served.status, 200);
  // So that the client connects anew, to another one.
  EXPECT_EQ(served.headers["connection"], "close");
  // A second signal is not waited for.
  server->process().signal(SIGTERM);
  EXPECT_TRUE(server->process().waitForEnd(absl::Seconds(10)));
}

}  // namespace
}  // namespace strata
