// The answers of a session do not depend on what the role, the database or the server configures.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/describe.hpp>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/postgres/postgres_store.h"
#include "strata/testing/servers/local_pgbouncer.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

struct Reading {
  std::string name;
  double value = 0;
  float rough = 0;
  Timestamp at;
  std::vector<std::string> tags;
  std::map<std::string, double> parts;
  std::optional<std::string> note;
  bool good = false;

  bool operator==(const Reading&) const = default;
};
BOOST_DESCRIBE_STRUCT(Reading, (), (name, value, rough, at, tags, parts, note, good))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Reading> {
  static constexpr auto table = "readings";
  static constexpr KeySpace keys{"pgtest", "reading"};
  static std::string id(const pgtest::Reading& reading) { return reading.name; }
};

namespace {

using pgtest::Reading;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPgBouncer;
using testing::LocalPostgres;
using testing::sharedServers;
using testing::StatusIs;

constexpr const char* kDatabase = "settings_test";
constexpr const char* kRole = "settings_role";

struct Case {
  const char* name;
  const char* value;  // as SQL
};

// One for each setting of PostgreSQL 15 that a user, or a superuser for him, may change and that
// could show in an answer.
constexpr Case kCases[] = {
    {"array_nulls", "off"},
    {"backslash_quote", "on"},
    {"bytea_output", "escape"},
    {"client_encoding", "latin1"},
    {"client_min_messages", "debug5"},
    {"constraint_exclusion", "on"},
    {"cursor_tuple_fraction", "0.5"},
    {"DateStyle", "'SQL, DMY'"},
    {"DateStyle", "'German'"},
    {"DateStyle", "'Postgres, MDY'"},
    {"debug_discard_caches", "0"},
    {"default_text_search_config", "'pg_catalog.simple'"},
    {"default_toast_compression", "pglz"},
    {"default_transaction_deferrable", "on"},
    {"default_transaction_isolation", "'serializable'"},
    {"default_transaction_isolation", "'repeatable read'"},
    {"default_transaction_read_only", "on"},
    {"enable_indexscan", "off"},
    {"escape_string_warning", "off"},
    {"exit_on_error", "on"},
    {"extra_float_digits", "-15"},
    {"force_parallel_mode", "on"},
    {"gin_fuzzy_search_limit", "1"},
    {"idle_session_timeout", "'5s'"},
    {"IntervalStyle", "sql_standard"},
    {"jit_above_cost", "0"},
    {"lc_messages", "'C'"},
    {"lock_timeout", "'1ms'"},
    {"plan_cache_mode", "force_generic_plan"},
    {"quote_all_identifiers", "on"},
    {"row_security", "off"},
    {"search_path", "public, pg_catalog"},
    {"standard_conforming_strings", "off"},
    {"statement_timeout", "'2s'"},
    {"synchronize_seqscans", "off"},
    {"TimeZone", "'Asia/Kolkata'"},
    {"timezone_abbreviations", "'India'"},
    {"transform_null_equals", "on"},
    {"xmlbinary", "hex"},
    {"xmloption", "document"},
};

std::vector<Reading> readings() {
  const Timestamp at{std::chrono::microseconds(1'700'000'000'123'456)};
  return {
      {.name = "plain",
       .value = 0.1 + 0.2,
       .rough = 0.1F,
       .at = at,
       .tags = {"a", "NULL", "", "it's", "\"quoted\"", "back\\slash", "{},"},
       .parts = {{"π", 3.141592653589793}, {"it's", 1e-300}},
       .note = "NULL",
       .good = true},
      {.name = "it's \"odd\" \\ ünï ☃",
       .value = std::numeric_limits<double>::denorm_min(),
       .rough = std::numeric_limits<float>::max(),
       .at = Timestamp{std::chrono::microseconds(-1)},
       .tags = {},
       .parts = {},
       .note = std::nullopt,
       .good = false},
      {.name = "07/08/2024", .value = -1.7976931348623157e308, .at = at},
  };
}

// For a role of its own, whose sessions have the setting of a case.
class PostgresSessionSettings : public ::testing::Test {
 protected:
  void SetUp() override {
    query("DROP DATABASE IF EXISTS settings_test WITH (FORCE)");
    query(fmt::format("DROP ROLE IF EXISTS {}", kRole));
    query(fmt::format("CREATE ROLE {} LOGIN PASSWORD 'role'", kRole));
    query(fmt::format("CREATE DATABASE {} OWNER {}", kDatabase, kRole));
    query(fmt::format("GRANT ALL ON SCHEMA public TO {}", kRole), kDatabase);
  }

  static LocalPostgres& server() { return sharedServers().postgres(); }
  static void query(const std::string& sql, const char* database = "postgres") {
    EXPECT_THAT(server().query(sql, database), IsOk()) << sql;
  }
  static std::string asRole(const std::string& url) {
    return fmt::format("postgresql://{}:role{}", kRole, url.substr(url.find('@')));
  }
  static std::string directUrl() { return asRole(server().url(kDatabase)); }
  static std::string pooledUrl(const LocalPgBouncer& pooler) {
    return asRole(pooler.url(kDatabase));
  }

  // Everything that a store does.
  static void useStore(const std::string& url) {
    auto pool = PostgresPool::open({.url = url});
    ASSERT_THAT(pool, IsOk());
    auto store = PostgresStore<Reading>::create(*pool);
    ASSERT_THAT(store, IsOk());
    std::vector<Id> ids;
    for (const Reading& reading : readings()) {
      ASSERT_THAT((*store)->put(reading), IsOk());
      ASSERT_THAT((*store)->put(reading), IsOk());
      const auto found = (*store)->get(reading.name);
      ASSERT_THAT(found, IsOk());
      ASSERT_NE(*found, nullptr);
      EXPECT_EQ(**found, reading);
      ids.emplace_back(reading.name);
    }
    const auto all = (*store)->getMany(ids);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ASSERT_THAT(all[i], IsOk());
      ASSERT_NE(*all[i], nullptr);
      EXPECT_EQ(**all[i], readings()[i]);
    }
    useAtOnce(**store);
    for (const Id& id : ids) EXPECT_THAT((*store)->remove(id), IsOk());
    EXPECT_THAT((*store)->remove("nothing"), IsOk());
  }

  // Under serializable transactions rivals fail.
  static void useAtOnce(Store<Reading>& store) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          EXPECT_THAT(store.put({.name = "rivals", .value = 1.0 * i}), IsOk());
          EXPECT_THAT(store.remove("rivals"), IsOk());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
};

// B-27
TEST_F(PostgresSessionSettings, OfTheRoleChangeNoAnswer) {
  auto pooler = LocalPgBouncer::start(server());
  ASSERT_THAT(pooler, IsOk());
  for (const Case& one : kCases) {
    SCOPED_TRACE(fmt::format("{} = {}", one.name, one.value));
    query(fmt::format("ALTER ROLE {} SET {} = {}", kRole, one.name, one.value));
    // The sessions that the pooler has are from before.
    ASSERT_THAT((*pooler)->restart(), IsOk());
    useStore(directUrl());
    useStore(pooledUrl(**pooler));
    query(fmt::format("ALTER ROLE {} RESET {}", kRole, one.name));
    query("DROP TABLE readings", kDatabase);
  }
}

TEST_F(PostgresSessionSettings, OfTheDatabaseChangeNoAnswer) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(fmt::format("{} = {}", one.name, one.value));
    query(fmt::format("ALTER DATABASE {} SET {} = {}", kDatabase, one.name, one.value));
    useStore(directUrl());
    query(fmt::format("ALTER DATABASE {} RESET {}", kDatabase, one.name));
  }
}

// What only shows after a while.
TEST_F(PostgresSessionSettings, OfTheRoleThatEndSessionsOrStatementsDoNotHold) {
  query(fmt::format(
      "ALTER ROLE {0} SET idle_session_timeout = '5s';"
      "ALTER ROLE {0} SET statement_timeout = '2s'; ALTER ROLE {0} SET lock_timeout = '1s'",
      kRole));
  auto pool = PostgresPool::open({.url = directUrl(), .statement_timeout = absl::Seconds(7)});
  ASSERT_THAT(pool, IsOk());
  ASSERT_THAT((*pool)->execute("CREATE TABLE settings AS SELECT name, setting FROM pg_settings"),
              IsOk());
  const auto rows = server().query(
      "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM settings"
      " WHERE name IN ('idle_session_timeout', 'statement_timeout', 'lock_timeout')",
      kDatabase);
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ((*rows)[0][0], "idle_session_timeout=0 lock_timeout=0 statement_timeout=7000");
}

TEST_F(PostgresSessionSettings, ThatSwitchTriggersOffAreRefusedByName) {
  query(fmt::format("ALTER ROLE {} SET session_replication_role = replica", kRole));
  EXPECT_THAT(
      PostgresPool::open({.url = directUrl()}),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("session_replication_role")));
}

TEST_F(PostgresSessionSettings, AUserDefinedFunctionStandsBeforeNoneOfTheSystem) {
  query(fmt::format("CREATE FUNCTION public.nextval(regclass) RETURNS bigint LANGUAGE sql AS"
                    " 'SELECT 7::bigint';"
                    "ALTER ROLE {} SET search_path = public, pg_catalog",
                    kRole),
        kDatabase);
  auto pool = PostgresPool::open({.url = directUrl()});
  ASSERT_THAT(pool, IsOk());
  auto store = PostgresStore<Reading>::create(*pool);
  ASSERT_THAT(store, IsOk());
  const auto one = (*store)->put({.name = "a"});
  const auto two = (*store)->put({.name = "a"});
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(two, IsOk());
  EXPECT_LT(*one, *two);
}

}  // namespace
}  // namespace strata
