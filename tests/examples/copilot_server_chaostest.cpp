// Two processes of the example service on one PostgreSQL and one Redis, under load and faults.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "testing/servers/local_guard.h"
#include "tests/examples/copilot_process.h"

namespace strata {
namespace {

using testing::CopilotProcess;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalServers;
using testing::User;

const User kAda = {"6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11", "0f6a1b52-7a3e-4c39-8a54-5b1f6c1d2e3f"};
const std::string kOperator(32, 'o');
constexpr absl::Duration kLong = absl::Seconds(60);
constexpr std::int64_t kManyAnswers = 300;

// wrk, until it is told to stop.
class Load {
 public:
  Load(CopilotProcess& server, const std::string& conversation)
      : process_(server.guard(), server.folder() + "/wrk.log") {
    EXPECT_THAT(process_.spawn({"env", "TENANT=" + kAda.tenant, "USER_ID=" + kAda.id,
                                "CONVERSATION=" + conversation, "wrk", "-t1", "-c8", "-d600s",
                                "--timeout", "10s", "-s", STRATA_LOAD_SCRIPT,
                                fmt::format("http://127.0.0.1:{}", server.port())}),
                IsOk());
  }
  bool runs() { return process_.pid() != 0; }
  // What it has to say.
  std::string end() {
    process_.signal(SIGINT);
    EXPECT_TRUE(process_.waitForEnd(absl::Seconds(30)));
    return process_.logTail();
  }

 private:
  testing::internal::ServerProcess process_;
};

class CopilotServersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = LocalServers::start({.postgres = true, .redis = true});
    ASSERT_THAT(started, IsOk());
    servers_ = *std::move(started);
    first_ = startService();
    second_ = startService();
    ASSERT_TRUE(first_ != nullptr && second_ != nullptr);
  }

  std::unique_ptr<CopilotProcess> startService(const std::vector<std::string>& more = {}) {
    std::vector<std::string> environment = {"DATABASE_URL=" + servers_->postgres().url(),
                                            "REDIS_URL=" + servers_->redis().url(),
                                            "ENABLE_CONVERSATION_CACHING=true",
                                            "ADMIN_SECRET=" + kOperator,
                                            "RATE_LIMIT_GLOBAL_PER_MINUTE=1000000",
                                            "RATE_LIMIT_WRITE_PER_MINUTE=1000000",
                                            "RATE_LIMIT_AI_PER_MINUTE=1000000"};
    environment.insert(environment.end(), more.begin(), more.end());
    return CopilotProcess::start(environment);
  }
  std::string createConversation() {
    const auto made = first_->send(kAda, "POST", "/v1/conversations");
    EXPECT_EQ(made.status, 201) << made.body;
    return made.text("id");
  }
  void post(CopilotProcess& server, const std::string& conversation, const std::string& content) {
    const auto posted = server.send(kAda, "POST", "/v1/conversations/" + conversation + "/messages",
                                    fmt::format(R"({{"content": "{}"}})", content));
    EXPECT_EQ(posted.status, 201) << posted.body;
  }
  static bool says(const CopilotProcess& server, const std::string& path, const char* text) {
    return server.ask(path).body.find(text) != std::string::npos;
  }
  // How many requests it has answered well.
  static std::int64_t answersOf(const CopilotProcess& server) {
    const std::string metrics = server.ask("/metrics").body;
    const std::string name = "copilot_server_responses_total{status=\"2xx\"} ";
    const std::size_t at = metrics.find(name);
    return at == std::string::npos ? 0 : std::stoll(metrics.substr(at + name.size()));
  }
  // Until both have answered many more.
  bool bothGoOn() {
    const std::int64_t first = answersOf(*first_) + kManyAnswers;
    const std::int64_t second = answersOf(*second_) + kManyAnswers;
    return eventually([&] { return answersOf(*first_) > first && answersOf(*second_) > second; },
                      kLong);
  }
  bool bothUseRedis() {
    return eventually(
        [&] {
          return says(*first_, "/readyz?verbose", "[+] redis ok") &&
                 says(*second_, "/readyz?verbose", "[+] redis ok");
        },
        kLong);
  }

  std::unique_ptr<LocalServers> servers_;
  std::unique_ptr<CopilotProcess> first_;
  std::unique_ptr<CopilotProcess> second_;
};

TEST_F(CopilotServersTest, NoRequestFailsWhileRedisDies) {
  const std::string followed = createConversation();
  const auto follower = first_->follow(kAda, "/v1/conversations/" + followed + "/events");
  ASSERT_TRUE(follower->reads(": live"));
  post(*second_, followed, "before");
  ASSERT_TRUE(follower->reads("\"content\":\"before\"")) << follower->text();
  EXPECT_EQ(first_->send(kAda, "PUT", "/v1/me", R"({"name": "Ada"})").status, 200);
  EXPECT_EQ(
      first_->send(kAda, "PUT", "/v1/policy", R"({"default_model": "m", "default_provider": "p"})")
          .status,
      200);

  Load first_load(*first_, createConversation());
  Load second_load(*second_, createConversation());
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(bothGoOn());
    ASSERT_THAT(servers_->redis().kill(), IsOk());
    EXPECT_TRUE(bothGoOn());
    // B-69: it serves without.
    EXPECT_TRUE(eventually([&] { return says(*first_, "/readyz?verbose", "[!] redis warn"); }));
    EXPECT_EQ(first_->ask("/readyz").status, 200);
    ASSERT_THAT(servers_->redis().start(), IsOk());
    EXPECT_TRUE(bothUseRedis()) << first_->ask("/readyz?verbose").body;
  }
  ASSERT_TRUE(bothGoOn());
  ASSERT_TRUE(first_load.runs() && second_load.runs());
  for (Load* load : {&first_load, &second_load}) {
    const std::string report = load->end();
    std::printf("%s\n", report.c_str());
    EXPECT_THAT(report, HasSubstr(" not_2xx=0 connect=0 read=0 write=0 timeout=0"));
  }

  // B-90
  EXPECT_TRUE(follower->reads("event: gap\n")) << follower->text();
  int attempts = 0;
  EXPECT_TRUE(eventually(
      [&] {
        post(*second_, followed, fmt::format("after {}", ++attempts));
        return follower->text().find("\"content\":\"after ") != std::string::npos;
      },
      kLong))
      << follower->text();
}

// B-70, B-71
TEST_F(CopilotServersTest, IsAliveWhileBothHang) {
  EXPECT_EQ(first_->ask("/readyz").status, 200);
  EXPECT_EQ(first_->ask("/readyz/postgres").status, 200);
  ASSERT_THAT(servers_->redis().freeze(), IsOk());
  ASSERT_THAT(servers_->postgres().freeze(), IsOk());
  EXPECT_TRUE(eventually([&] { return first_->ask("/readyz").status == 503; }));
  EXPECT_EQ(first_->ask("/livez").status, 200);
  EXPECT_EQ(first_->ask("/healthz").status, 503);
  EXPECT_THAT(first_->ask("/readyz").body, HasSubstr("[-] postgres fail"));
  EXPECT_EQ(first_->ask("/readyz?exclude=postgres").status, 200);
  ASSERT_THAT(servers_->postgres().resume(), IsOk());
  ASSERT_THAT(servers_->redis().resume(), IsOk());
  EXPECT_TRUE(eventually([&] { return first_->ask("/readyz").status == 200; }, kLong));
}

// The database's complaints left as 409, 400 and 403, with the names of tables and columns in the body.
TEST_F(CopilotServersTest, FaultsOfTheDatabaseAreNotTheClients) {
  const std::string id = createConversation();
  const std::string path = "/v1/conversations/" + id;
  const auto expect_ours = [&](const char* sql, const char* undo, const char* what) {
    ASSERT_THAT(servers_->postgres().query(sql), IsOk());
    const auto reply = first_->send(kAda, "PUT", "/v1/policy",
                                    R"({"default_model": "m", "default_provider": "p"})");
    EXPECT_EQ(reply.status, 500) << sql << reply.body;
    for (const char* name : {"SQLSTATE", "polic", "column", "relation", "constraint"}) {
      EXPECT_EQ(reply.body.find(name), std::string::npos) << reply.body;
    }
    EXPECT_THAT(first_->process().logTail(), HasSubstr(what));
    ASSERT_THAT(servers_->postgres().query(undo), IsOk());
  };
  expect_ours("ALTER TABLE tenant_llm_policies RENAME TO gone",
              "ALTER TABLE gone RENAME TO tenant_llm_policies", "42P01");
  expect_ours("ALTER TABLE tenant_llm_policies ADD CONSTRAINT never CHECK (false) NOT VALID",
              "ALTER TABLE tenant_llm_policies DROP CONSTRAINT never", "23514");
  expect_ours("ALTER TABLE tenant_llm_policies ADD COLUMN more text NOT NULL DEFAULT NULL",
              "ALTER TABLE tenant_llm_policies DROP COLUMN more", "23502");
  EXPECT_EQ(first_->get(kAda, path).status, 200);
  // A rule of the store, beside it.
  EXPECT_EQ(first_->send(kAda, "POST", "/v1/conversations", "{\"id\": \"" + id + "\"}").status,
            409);
}

TEST_F(CopilotServersTest, WarmsTheListsOfAUserAtTheirFirstRequest) {
  const User user = {kAda.tenant, "3f0d1c1e-2222-4a55-8f0e-0d9f5c2b7e10"};
  const auto service = startService({"LOG_LEVEL=debug"});
  ASSERT_NE(service, nullptr);
  const auto hits = [&] {
    const auto context = service->get(user, "/v1/me/context").json();
    return context.at("cache_hits").as_int64();
  };
  EXPECT_EQ(service->get(user, "/v1/conversations").status, 200);
  ASSERT_TRUE(eventually([&] {
    return service->process().logTail().find("copilot_server.warmed failed=0") != std::string::npos;
  }));
  EXPECT_EQ(hits(), 5);
  // An operator drops them.
  const auto dropped = service->ask(
      "/admin/cache/invalidate",
      {"-H", "Authorization: Bearer " + kOperator, "--data-binary", R"({"everything": true})"});
  EXPECT_EQ(dropped.status, 200) << dropped.body;
  EXPECT_GE(dropped.json().at("removed").as_int64(), 5);
  EXPECT_EQ(hits(), 0);
}

// B-70
TEST_F(CopilotServersTest, IsNotReadyWithoutItsDatabase) {
  ASSERT_THAT(servers_->postgres().kill(), IsOk());
  EXPECT_TRUE(eventually([&] { return first_->ask("/readyz").status == 503; }));
  EXPECT_EQ(first_->ask("/livez").status, 200);
  EXPECT_EQ(first_->get(kAda, "/v1/conversations").status, 503);
  ASSERT_THAT(servers_->postgres().start(), IsOk());
  EXPECT_TRUE(eventually([&] { return first_->ask("/readyz").status == 200; }, kLong));
  EXPECT_TRUE(eventually([&] { return first_->get(kAda, "/v1/conversations").status == 200; }));
}

}  // namespace
}  // namespace strata
