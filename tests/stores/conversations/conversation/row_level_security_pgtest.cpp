// The database keeps tenants apart by itself, whatever the program above it does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "strata/factories/context_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/execution_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::IsOk;
using testing::sharedServers;
using testing::StatusIs;

constexpr const char* kTenant = "7d444840-9dc0-41d1-b245-5ffdce74fad2";
constexpr const char* kOther = "7d444840-9dc0-41d1-b245-5ffdce74fad3";
constexpr const char* kUser = "7d444840-9dc0-41d1-b245-5ffdce74fad4";
constexpr const char* kDatabase = "row_level_security";

// A database of an ordinary user: superusers are not bound by policies.
class RowLevelSecurityTest : public ::testing::Test {
 protected:
  static Config ordinaryUser() {
    testing::LocalPostgres& postgres = sharedServers().postgres();
    std::string url = *postgres.createDatabase(kDatabase);
    EXPECT_THAT(postgres.query("CREATE ROLE app LOGIN PASSWORD 'app';"
                               "ALTER DATABASE row_level_security OWNER TO app"),
                IsOk());
    url.replace(0, url.find('@'), "postgresql://app:app");
    Config config;
    config.database_url = Secret(url);
    config.domain.enable_row_level_security = true;
    return config;
  }

  void TearDown() override {
    // Whoever is still connected would keep the database and the role from being dropped next time.
    conversations_.reset();
    paths_.reset();
    backends_ = Backends{};
    for (const char* sql : {"DROP DATABASE row_level_security WITH (FORCE)", "DROP ROLE app"}) {
      EXPECT_THAT(sharedServers().postgres().query(sql), IsOk());
    }
  }

  static std::string count(const std::string& before, const std::string& table) {
    const auto rows = sharedServers().postgres().query(
        "SET ROLE app; " + before + "; SELECT count(*) FROM " + table, kDatabase);
    EXPECT_THAT(rows, IsOk());
    return *rows->front().front();
  }

  Backends backends_ = connect(ordinaryUser()).value();
  std::unique_ptr<ConversationStore> conversations_ = createConversationStore(backends_).value();
  std::unique_ptr<PathStore> paths_ = createPathStore(backends_).value();
};

TEST_F(RowLevelSecurityTest, LetsTheStoresDoTheirWork) {
  const Caller caller{kTenant, kUser};
  const auto conversation =
      conversations_->createConversation({.tenant_id = kTenant, .user_id = kUser});
  ASSERT_THAT(conversation, IsOk());
  const auto message = conversations_->appendMessage(
      caller, {.conversation_id = conversation->id, .content = "Hello"});
  ASSERT_THAT(message, IsOk());
  const auto branch = paths_->branchFromMessage(kTenant, message->id);
  ASSERT_THAT(branch, IsOk());
  EXPECT_EQ(paths_->resolvePathMessages(kTenant, branch->id)->size(), 1);
  EXPECT_THAT(conversations_->getConversation(caller, conversation->id), IsOk());
  EXPECT_EQ(conversations_->listConversations(caller)->conversations.size(), 1);
  EXPECT_THAT(conversations_->getConversation({kOther, kUser}, conversation->id),
              StatusIs(absl::StatusCode::kNotFound));
  auto contexts = createContextStore(backends_).value();
  EXPECT_THAT(contexts->mergeActiveNodeIds(kTenant, conversation->id, {"node"}), IsOk());
  auto executions = createExecutionStore(backends_).value();
  EXPECT_THAT(executions->createContext({.tenant_id = kTenant,
                                         .conversation_id = conversation->id,
                                         .path_id = message->path_id,
                                         .sandbox_id = "sandbox"}),
              IsOk());
}

TEST_F(RowLevelSecurityTest, ShowsAQueryThatForgetsTheTenantNothing) {
  ASSERT_THAT(conversations_->createConversation({.tenant_id = kTenant}), IsOk());
  const std::string of_tenant = std::string("SET strata.tenant_id = '") + kTenant + "'";
  const std::string of_other = std::string("SET strata.tenant_id = '") + kOther + "'";
  for (const char* table : {"conversations", "conversation_paths"}) {
    EXPECT_EQ(count("SELECT 1", table), "0");
    EXPECT_EQ(count(of_other, table), "0");
    EXPECT_EQ(count(of_tenant, table), "1");
  }
}

TEST_F(RowLevelSecurityTest, RefusesToWriteARowOfAnotherTenant) {
  const auto written = sharedServers().postgres().query(
      std::string("SET ROLE app; SET strata.tenant_id = '") + kTenant +
          "'; INSERT INTO conversations (id, tenant_id) VALUES (gen_random_uuid(), '" + kOther +
          "')",
      kDatabase);
  EXPECT_THAT(written, StatusIs(absl::StatusCode::kInternal,
                                ::testing::HasSubstr("row-level security policy")));
}

// What a transaction named must not be there for the next one on its connection.
TEST_F(RowLevelSecurityTest, WorksWithinAUnitOfWorkOverTwoTenants) {
  auto unit = *beginUnitOfWork(backends_);
  for (const char* tenant : {kTenant, kOther, kTenant}) {
    ASSERT_THAT(conversations_->createConversation({.tenant_id = tenant}, {.unit = unit.get()}),
                IsOk());
  }
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(conversations_->listConversations({kTenant, {}})->conversations.size(), 2);
  EXPECT_EQ(conversations_->listConversations({kOther, {}})->conversations.size(), 1);
}

}  // namespace
}  // namespace strata
