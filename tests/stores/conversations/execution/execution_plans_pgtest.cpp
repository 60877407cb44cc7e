// How PostgreSQL runs the statements of the context and execution stores among 100 000 rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stores/base/schema_statements.h"
#include "stores/conversations/context/context_statements.h"
#include "stores/conversations/execution/execution_statements.h"
#include "strata/factories/execution_store_factory.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/stores/plan_checks.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::sharedServers;

// 100 tenants of 1000 conversations; each has a path, a context and an execution context. Half of
// these are terminated.
constexpr const char* kRows = R"(
CREATE FUNCTION pg_temp.uuid_of(kind int, number bigint) RETURNS uuid IMMUTABLE LANGUAGE SQL AS
  $$ SELECT format('%s-0000-4000-8000-%s', lpad(kind::text, 8, '0'), lpad(number::text, 12, '0'))::uuid $$;
CREATE TEMP TABLE n AS
  SELECT i, pg_temp.uuid_of(1, i % 100) AS tenant, pg_temp.uuid_of(2, i) AS conversation,
         pg_temp.uuid_of(3, i) AS path, pg_temp.uuid_of(4, i) AS execution,
         now() - i * interval '1 minute' AS created
  FROM generate_series(1, 100000) AS i;
INSERT INTO conversations (tenant_id, id) SELECT tenant, conversation FROM n;
INSERT INTO conversation_paths (tenant_id, conversation_id, id)
  SELECT tenant, conversation, path FROM n;
INSERT INTO conversation_contexts (tenant_id, conversation_id) SELECT tenant, conversation FROM n;
INSERT INTO execution_contexts (tenant_id, id, conversation_id, path_id, created_at, last_used_at,
                                expires_at, sandbox_status, terminated_at)
  SELECT tenant, execution, conversation, path, created, created, created + interval '30 minutes',
         CASE WHEN i / 100 % 2 = 0 THEN 'ready' ELSE 'terminated' END,
         CASE WHEN i / 100 % 2 = 0 THEN NULL ELSE created + interval '1 minute' END
  FROM n;
ANALYZE conversations, conversation_paths, conversation_contexts, execution_contexts;
)";

class Plans : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    Config config;
    config.database_url = sharedServers().postgres().url();
    config.domain.enable_row_level_security = true;
    ASSERT_THAT(createExecutionStore(config), IsOk());
    ASSERT_THAT(sharedServers().postgres().query(kMakeBoundRole), IsOk());
    ASSERT_THAT(sharedServers().postgres().query(kRows), IsOk());
  }

  std::string plan(const postgres::Statement& statement, const PlanMode& mode,
                   const std::string& values) {
    const std::string bound = "SET ROLE bound; SET strata.tenant_id = " + tenant_ + "; ";
    const auto lines = sharedServers().postgres().query(
        (mode.has_policies ? bound : "") + "SET plan_cache_mode = " + mode.cache +
        "; PREPARE s AS " + internal::inSchema(statement.sql(), "") + "; EXPLAIN EXECUTE s(" +
        values + ")");
    EXPECT_THAT(lines, IsOk()) << statement.what();
    std::string plan;
    for (const auto& line : lines.value_or(std::vector<testing::LocalPostgres::Row>())) {
      plan += *line[0] + "\n";
    }
    return plan;
  }
  void expectNoScan(const postgres::Statement& statement, const std::string& values) {
    for (const PlanMode& mode : kAllPlanModes) {
      const std::string what = std::string(statement.what()) + " with " + mode.name();
      const std::string found = plan(statement, mode, values);
      strata::expectNoScan(what, found);
      EXPECT_THAT(found, Not(HasSubstr("Sort"))) << what;
    }
  }

  const std::string tenant_ = "'00000001-0000-4000-8000-000000000007'";
  const std::string conversation_ = "'00000002-0000-4000-8000-000000012307'";
  const std::string path_ = "'00000003-0000-4000-8000-000000012307'";
  const std::string execution_ = "'00000004-0000-4000-8000-000000012307'";
};

// Names all there are: one more does not compile.
TEST_F(Plans, ScanNoTableForAContext) {
  const auto& [lock_conversation, find, put] = internal::contextStatements();
  expectNoScan(lock_conversation, tenant_ + ", " + conversation_);
  expectNoScan(find, tenant_ + ", " + conversation_);
  expectNoScan(put, conversation_ + ", " + tenant_ + ", '[]', NULL, NULL, NULL, now()");
}

TEST_F(Plans, ScanNoTableForAnExecutionContext) {
  const auto& [lock_conversation, has_path, find, lock, find_unterminated, lock_unterminated,
               list_expired, insert, update, remove_terminated] = internal::executionStatements();
  const std::string by_path = tenant_ + ", " + conversation_ + ", " + path_;
  const std::string record = execution_ + ", " + tenant_ + ", " + conversation_ + ", " + path_ +
                             ", '', 'ready', now(), now(), now(), NULL, NULL, NULL";
  expectNoScan(lock_conversation, tenant_ + ", " + conversation_);
  expectNoScan(has_path, by_path);
  expectNoScan(find, tenant_ + ", " + execution_);
  expectNoScan(lock, tenant_ + ", " + execution_);
  expectNoScan(find_unterminated, by_path);
  expectNoScan(lock_unterminated, by_path);
  expectNoScan(list_expired, tenant_ + ", now(), 50");
  expectNoScan(insert, record);
  expectNoScan(update, record);
  expectNoScan(remove_terminated, tenant_ + ", now() - interval '7 days', 100");
}

}  // namespace
}  // namespace strata
