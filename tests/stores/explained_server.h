// A PostgreSQL whose auto_explain tells the plans that it took for the statements of a call.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
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

// The tests of a suite of `Server`, an ExplainedServer, that ask for plans. Their parameter is one
// of kPlanCacheModes.
template <typename PostgresTables, typename Server = ExplainedServer>
class PlansOf : public Server, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Server::ask(std::string("ALTER ROLE CURRENT_USER SET plan_cache_mode = ") + GetParam());
    Server::ask("ALTER ROLE CURRENT_USER SET auto_explain.log_min_duration = 0");
    pool_ = PostgresPool::open({.url = Server::servers->postgres().url()}).value();
  }
  void TearDown() override { Server::ask("ALTER ROLE CURRENT_USER RESET ALL"); }

  // The plans of a call on the tables, those of checks of foreign keys among them. Always on the
  // same connection.
  template <typename Call>
  std::string plansOf(const char* what, const Call& call) {
    logged();
    internal::PostgresSession session(*pool_, nullptr, {}, false);
    PostgresTables tables(session);
    EXPECT_THAT(call(tables), testing::IsOk()) << what;
    std::string plans = logged();
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

  bool isGeneric() const { return GetParam() == std::string("force_generic_plan"); }

 private:
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
