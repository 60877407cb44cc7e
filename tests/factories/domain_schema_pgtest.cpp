// The schema of the domain stores' tables: what an application has in the same database is left
// alone, and two schemas share nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/cache/tools/cache_verifier.h"
#include "strata/factories/app.h"
#include "strata/factories/cache_admin_factory.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/context_store_factory.h"
#include "strata/factories/conversation_config_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/execution_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/factories/policy_store_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_pgbouncer.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::sharedServers;
using testing::StatusIs;

struct Account {
  std::string id;
  std::int64_t credit = 0;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, credit))

}  // namespace

template <>
struct Entity<Account> {
  static constexpr auto table = "users";  // as the domain's
  static constexpr KeySpace keys{"shop", "account"};
  static std::string id(const Account& account) { return account.id; }
};

namespace {

constexpr const char* kDatabase = "domain_schema_test";
constexpr const char* kTenant = "7d444840-9dc0-41d1-b245-5ffdce74fad2";
constexpr const char* kUser = "7d444840-9dc0-41d1-b245-5ffdce74fad4";

testing::LocalPostgres& server() { return sharedServers().postgres(); }

// Every store of the domain.
struct Domain {
  ClarifyStores clarify;
  std::unique_ptr<ConversationStore> conversations;
  std::unique_ptr<PathStore> paths;
  std::unique_ptr<ContextStore> contexts;
  std::unique_ptr<ExecutionStore> executions;
  std::unique_ptr<PolicyStore> policies;
  std::unique_ptr<ConversationConfigStore> configs;
};

Backends inSchema(Backends backends, const std::string& schema) {
  backends.config.domain.schema = schema;
  return backends;
}

Domain domainOf(const Backends& backends) {
  return {.clarify = createClarifyStores(backends).value(),
          .conversations = createConversationStore(backends).value(),
          .paths = createPathStore(backends).value(),
          .contexts = createContextStore(backends).value(),
          .executions = createExecutionStore(backends).value(),
          .policies = createPolicyStore(backends).value(),
          .configs = createConversationConfigStore(backends).value()};
}

// Something under the same ids by every store, marked with `mark`.
void fill(Domain& domain, const std::string& mark) {
  ASSERT_THAT(domain.clarify.users->put({.id = kUser, .name = mark}), IsOk());
  ASSERT_THAT(domain.policies->setPolicy(
                  {.tenant_id = kTenant, .default_model = mark, .default_provider = "p"}),
              IsOk());
  ASSERT_THAT(domain.configs->setGlobalConfig({.updated_by = mark}), IsOk());
  const auto made = domain.conversations->createConversation(
      {.tenant_id = kTenant, .user_id = kUser, .id = kUser, .title = mark});
  ASSERT_THAT(made, IsOk());
  ASSERT_THAT(domain.contexts->mergeActiveNodeIds(kTenant, kUser, {mark}), IsOk());
  ASSERT_THAT(domain.executions->createContext({.tenant_id = kTenant,
                                                .conversation_id = kUser,
                                                .path_id = *made->active_path_id,
                                                .sandbox_id = mark}),
              IsOk());
  ASSERT_THAT(domain.paths->branchFromMessage(
                  kTenant,
                  domain.conversations
                      ->appendMessage({kTenant, kUser}, {.conversation_id = kUser, .content = mark})
                      ->id),
              IsOk());
}

// Reads them twice: from the database, and what the cache has kept of it.
void expectMark(Domain& domain, const std::string& mark) {
  for (int i = 0; i < 2; ++i) {
    const auto user = domain.clarify.sources.user->get(kUser);
    ASSERT_THAT(user, IsOk());
    EXPECT_EQ((*user)->name, mark);
    EXPECT_EQ((*domain.policies->getPolicy(kTenant))->default_model, mark);
    EXPECT_EQ(domain.conversations->getConversation({kTenant, kUser}, kUser).value()->title, mark);
    EXPECT_EQ(domain.conversations->getMessages({kTenant, kUser}, kUser)->front().content, mark);
    EXPECT_EQ(domain.contexts->load(kTenant, kUser)->value().active_node_ids.front(), mark);
    EXPECT_EQ(domain.paths->listPaths(kTenant, kUser)->size(), 2);
  }
}

class DomainSchemaTest : public ::testing::Test {
 protected:
  static Config config(const std::string& url) {
    Config config;
    config.database_url = url;
    config.cache_provider = CacheProvider::kMemory;
    config.domain.enable_conversation_cache = true;
    return config;
  }
  std::string one(const std::string& sql) const {
    const auto rows = server().query(sql, kDatabase);
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows.ok() && !rows->empty() ? rows->front().front().value_or("") : "";
  }
  std::string tablesOf(const std::string& schema) const {
    return one(
        "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE"
        " schemaname = '" +
        schema + "'");
  }
  std::string urlAs(const std::string& role) const {
    std::string url = url_;
    const std::size_t begin = std::string("postgresql://").size();
    return url.replace(begin, url.find('@') - begin, role + ":secret");
  }

  const std::string url_ = server().createDatabase(kDatabase).value();
};

// An application with a table users of its own could not have the clarify stores: their migration
// failed, and with CREATE TABLE IF NOT EXISTS it would have written into the application's table.
TEST_F(DomainSchemaTest, LeavesATableOfTheApplicationAlone) {
  one("CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);"
      "INSERT INTO users VALUES (7, 'ada@example.org');"
      "CREATE TABLE messages (body text)");
  const Backends backends = connect(config(url_)).value();
  EXPECT_THAT(createClarifyStores(backends),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("migration clarify/0001")));
  Domain domain = domainOf(inSchema(backends, "crm"));
  fill(domain, "Ada");
  expectMark(domain, "Ada");
  EXPECT_EQ(one("SELECT string_agg(users::text, ' ') FROM users"), "(7,ada@example.org)");
  EXPECT_EQ(one("SELECT count(*) FROM messages"), "0");
  EXPECT_EQ(one("SELECT count(*) FROM crm.users"), "1");
  EXPECT_EQ(tablesOf("crm"),
            "clarify_patterns clarify_sessions conversation_configs conversation_contexts"
            " conversation_paths conversations dreams execution_contexts messages reflections"
            " strata_migrations tenant_llm_policies users");
  // The identity is the database's.
  EXPECT_EQ(tablesOf("public"), "messages strata_identity users");
}

TEST_F(DomainSchemaTest, OneUnitOfWorkChangesTablesOfBoth) {
  const Backends backends = inSchema(connect(config(url_)).value(), "crm");
  auto accounts = createStore<Account>(backends).value();
  Domain domain = domainOf(backends);
  for (const bool commits : {false, true}) {
    auto unit = beginUnitOfWork(backends).value();
    ASSERT_THAT(accounts->put({.id = kUser, .credit = 5}, {.unit = unit.get()}), IsOk());
    ASSERT_THAT(domain.clarify.users->put({.id = kUser, .name = "Ada"}, {.unit = unit.get()}),
                IsOk());
    if (commits) {
      ASSERT_THAT(unit->commit(), IsOk());
    }
    unit.reset();
    EXPECT_EQ(one("SELECT count(*) FROM public.users"), commits ? "1" : "0");
    EXPECT_EQ(one("SELECT count(*) FROM crm.users"), commits ? "1" : "0");
  }
}

// The ids of both are the same, and both have one cache.
TEST_F(DomainSchemaTest, TwoOfThemShareNothing) {
  for (const std::string& url : {url_, std::string()}) {
    const Backends backends =
        connect(config(url), {.memory = std::make_shared<InMemoryDatabase>()}).value();
    Domain nowhere = domainOf(backends);
    Domain crm = domainOf(inSchema(backends, "crm"));
    Domain desk = domainOf(inSchema(backends, "desk"));
    fill(crm, "crm");
    fill(desk, "desk");
    fill(nowhere, "none");
    expectMark(crm, "crm");
    expectMark(desk, "desk");
    expectMark(nowhere, "none");
    const auto verified = verifyCache<UserProfile>(*backends.cache, kDomainApp,
                                                   *crm.clarify.sources.user, {.schema = "crm"});
    EXPECT_EQ(verified.fresh, 1);
    CacheAdmin admin = createCacheAdmin(backends).value();
    const KeySpace keys = Entity<UserProfile>::keys.inSchema("crm");
    EXPECT_EQ(keys.key("copilot", kUser), std::string("copilot:ctx@crm:user:") + kUser);
    EXPECT_EQ(admin.invalidateEntity(keys).removed, 1);
    expectMark(crm, "crm");
    ASSERT_THAT(crm.policies->deletePolicy(kTenant), IsOk());
    ASSERT_THAT(crm.clarify.users->remove(kUser), IsOk());
    EXPECT_EQ(*crm.policies->getPolicy(kTenant), nullptr);
    EXPECT_EQ(*crm.clarify.sources.user->get(kUser), nullptr);
    expectMark(desk, "desk");
    expectMark(nowhere, "none");
  }
}

TEST_F(DomainSchemaTest, ARoleThatMayOnlyUseItCreatesNothing) {
  one("DROP ROLE IF EXISTS schema_user; CREATE ROLE schema_user LOGIN PASSWORD 'secret';"
      "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  const Backends user = inSchema(connect(config(urlAs("schema_user"))).value(), "crm");
  EXPECT_THAT(createClarifyStores(user),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("create the schema crm")));
  { domainOf(inSchema(connect(config(url_)).value(), "crm")); }
  EXPECT_THAT(createClarifyStores(user), StatusIs(absl::StatusCode::kPermissionDenied))
      << "without USAGE";
  one("GRANT USAGE ON SCHEMA crm TO schema_user;"
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA crm TO schema_user;"
      "GRANT USAGE ON SEQUENCE crm.strata_row_version TO schema_user");
  Domain domain = domainOf(user);
  fill(domain, "Ada");
  expectMark(domain, "Ada");
  one("DROP OWNED BY schema_user; DROP ROLE schema_user");
}

// A search_path that was set for one schema would be another client's in the next moment.
TEST_F(DomainSchemaTest, WorksThroughAPoolerAndLeavesNothingInItsSession) {
  auto pooler = testing::LocalPgBouncer::start(server(), {.sessions = 2}).value();
  one("CREATE TABLE users (id bigint PRIMARY KEY)");
  const Backends backends = connect(config(pooler->url(kDatabase))).value();
  Domain crm = domainOf(inSchema(backends, "crm"));
  Domain desk = domainOf(inSchema(backends, "desk"));
  fill(crm, "crm");
  fill(desk, "desk");
  expectMark(crm, "crm");
  expectMark(desk, "desk");
  const auto path = pooler->query("SHOW search_path", kDatabase);
  ASSERT_THAT(path, IsOk());
  EXPECT_EQ(path->front().front(), "\"$user\", public");
}

TEST_F(DomainSchemaTest, IsCreatedOnceByThoseThatStartTogether) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      const Backends backends = inSchema(connect(config(url_)).value(), "crm");
      EXPECT_THAT(createClarifyStores(backends), IsOk());
      EXPECT_THAT(createPolicyStore(backends), IsOk());
    });
  }
}

// Set past connect, which refuses it too.
TEST_F(DomainSchemaTest, IsCheckedBeforeItReachesTheServer) {
  const Backends backends = connect(config(url_)).value();
  for (const char* name : {"a\"b", "a'b", "Crm", "1a", "a.b", "pg_temp", "information_schema"}) {
    const Backends wrong = inSchema(backends, name);
    const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("DOMAIN_SCHEMA"));
    EXPECT_THAT(createClarifyStores(wrong), refused) << name;
    EXPECT_THAT(createConversationStore(wrong), refused) << name;
    EXPECT_THAT(createPolicyStore(wrong), refused) << name;
    EXPECT_THAT(createConversationConfigStore(wrong), refused) << name;
  }
}

// A word of SQL is a name like any other.
TEST_F(DomainSchemaTest, MayBeAWordOfSqlAndOfTheLongest) {
  for (const std::string& name : {std::string("user"), std::string(63, 'x')}) {
    Domain domain = domainOf(inSchema(connect(config(url_)).value(), name));
    fill(domain, "Ada");
    expectMark(domain, "Ada");
  }
}

}  // namespace
}  // namespace strata
