// A PostgreSQL whose auto_explain tells the plans that it took for the statements of a call.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "adapters/postgres/client/transaction.h"
#include "stores/base/postgres_transactor.h"
#include "strata/factories/config.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/stores/plan_checks.h"

namespace strata {

// A suite with a server of its own, which logs plans where it is told to.
class ExplainedServer : public ::testing::Test {
 protected:
  static absl::Status start(const testing::LocalPostgres::Settings& more = {}) {
    testing::LocalPostgres::Settings settings = {{"session_preload_libraries", "auto_explain"},
                                                 {"auto_explain.log_nested_statements", "on"},
                                                 {"auto_explain.log_analyze", "on"},
                                                 {"auto_explain.log_timing", "off"}};
    settings.insert(settings.end(), more.begin(), more.end());
    auto started = testing::LocalServers::start(
        {.postgres = true, .client_timeout = testing::kPatience, .postgres_settings = settings});
    if (!started.ok()) return started.status();
    servers = *std::move(started);
    return absl::OkStatus();
  }
  static void TearDownTestSuite() { servers.reset(); }

  static Config config() {
    Config config;
    config.database_url = servers->postgres().url();
    return config;
  }
  // The first column of the first row.
  static std::string ask(const std::string& sql) {
    const auto rows = servers->postgres().query(sql);
    EXPECT_THAT(rows, testing::IsOk());
    return rows.ok() && !rows->empty() ? rows->front().front().value_or("") : "";
  }

  static inline std::unique_ptr<testing::LocalServers> servers;
};

// The tests of a suite of `Server`, an ExplainedServer, that ask for plans. With policies, those of
// kMakeBoundRole: it is to be made, and `bound_tenant_` to be named.
template <typename PostgresTables, typename Server = ExplainedServer>
class PlansOf : public Server, public ::testing::WithParamInterface<PlanMode> {
 protected:
  void SetUp() override {
    const std::string alter = std::string("ALTER ROLE ") + role() + " SET ";
    Server::ask(alter + "plan_cache_mode = " + GetParam().cache);
    Server::ask(alter + "auto_explain.log_min_duration = 0");
    std::string url = Server::servers->postgres().url();
    if (GetParam().has_policies) url = urlOfBoundRole(std::move(url));
    pool_ = PostgresPool::open({.url = url, .pool_size = 1}).value();
  }
  void TearDown() override { Server::ask(std::string("ALTER ROLE ") + role() + " RESET ALL"); }

  // The plans of a call on the tables, those of checks of foreign keys among them. Always on the
  // same connection.
  template <typename Call>
  std::string plansOf(const char* what, const Call& call) {
    std::string plans =
        GetParam().has_policies ? plansUnderPolicies(what, call) : plansOfStatements(what, call);
    EXPECT_THAT(plans, ::testing::HasSubstr("(cost=")) << what;
    return plans;
  }
  // And none of them goes through a whole table.
  template <typename Call>
  std::string plansWithoutScan(const char* what, const Call& call) {
    std::string plans = plansOf(what, call);
    expectNoScan(what, plans);
    return plans;
  }

  bool isGeneric() const { return GetParam().cache == std::string("force_generic_plan"); }
  // A number of its own for each mode.
  int numberOfMode() const { return (isGeneric() ? 1 : 2) + (GetParam().has_policies ? 2 : 0); }

  std::string bound_tenant_;

 private:
  const char* role() const { return GetParam().has_policies ? "bound" : "CURRENT_USER"; }

  template <typename Call>
  std::string plansOfStatements(const char* what, const Call& call) {
    logged();
    internal::PostgresSession session(*pool_, nullptr, {}, false);
    PostgresTables tables(session);
    EXPECT_THAT(call(tables), testing::IsOk()) << what;
    return logged();
  }

  // In a transaction that has named the tenant before.
  template <typename Call>
  std::string plansUnderPolicies(const char* what, const Call& call) {
    static const auto* const nothing = new postgres::Statement(
        "SELECT $1::uuid", "name the tenant alone", postgres::Effect::kReads);
    auto begun = postgres::PostgresTransaction::begin(pool_, nullptr, {});
    if (!begun.ok()) return std::string(begun.status().message());
    UnitOfWork unit(*std::move(begun));
    internal::PostgresSession session(*pool_, &unit, {}, true);
    const postgres::Bind named[] = {bound_tenant_};
    EXPECT_THAT(session.run(*nothing, named), testing::IsOk()) << what;
    logged();
    PostgresTables tables(session);
    EXPECT_THAT(call(tables), testing::IsOk()) << what;
    EXPECT_THAT(unit.commit(), testing::IsOk()) << what;
    return logged();
  }

  // What the server has logged since the last call.
  std::string logged() {
    std::ifstream log(Server::servers->folder() + "/postgres.log");
    log.seekg(read_);
    std::ostringstream more;
    more << log.rdbuf();
    read_ += static_cast<std::streamoff>(more.str().size());
    return more.str();
  }

  std::shared_ptr<PostgresPool> pool_;
  std::streamoff read_ = 0;
};

}  // namespace strata
