// Passwords that change while the program runs: files that are replaced, callbacks, and servers that
// accept the new one before or after it is known here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/factories/backends.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/secret_file.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::AllOf;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::SecretFile;
using testing::sharedServers;
using testing::StatusIs;

// ---- PostgreSQL ----

class DatabasePassword : public ::testing::Test {
 protected:
  DatabasePassword() {
    EXPECT_THAT(sql("DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rotated') THEN "
                    "DROP OWNED BY rotated; DROP ROLE rotated; END IF; END $$"),
                IsOk());
    EXPECT_THAT(sql("CREATE ROLE rotated LOGIN"), IsOk());
    EXPECT_THAT(sql("GRANT ALL ON SCHEMA public TO rotated"), IsOk());
    setPassword("hunter1");
  }

  static absl::Status sql(const std::string& text) {
    return sharedServers().postgres().query(text).status();
  }
  static void setPassword(const std::string& password) {
    ASSERT_THAT(sql("ALTER ROLE rotated PASSWORD $p$" + password + "$p$"), IsOk());
  }
  static void endSessions() {
    ASSERT_THAT(sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                    "WHERE usename = 'rotated'"),
                IsOk());
  }
  // Whether the role has a session that listens to events.
  static bool listens() {
    const auto rows = sharedServers().postgres().query(
        "SELECT 1 FROM pg_stat_activity WHERE usename = 'rotated' "
        "AND application_name LIKE 'strata-events-%'");
    return rows.ok() && !rows->empty();
  }
  // Without a password in the URL.
  static Config config() {
    const std::string url = sharedServers().postgres().url();
    Config config;
    config.app = "passwords";
    config.database_url = "postgresql://rotated" + url.substr(url.find('@'));
    return config;
  }
  static absl::Status use(const Backends& backends) {
    return backends.database->execute("SELECT 1");
  }
};

TEST_F(DatabasePassword, ComesFromAFileThatIsReplacedWhileThePoolRuns) {
  SecretFile file("hunter1\n");
  Config config = this->config();
  config.database_password_file = file.path();
  ASSERT_OK_AND_ASSIGN(const Backends backends, connect(config));
  EXPECT_THAT(use(backends), IsOk());
  for (const std::string password :
       {"hunter2", "it's=\\quoted", "ünïcode", " with 'blanks' ", "two  blanks"}) {
    setPassword(password);
    file.replace(password + "\n");
    endSessions();
    EXPECT_THAT(use(backends), IsOk()) << password;
  }
}

// B-33, B-79
TEST_F(DatabasePassword, IsRefusedUntilTheFileHasTheNewOne) {
  SecretFile file("hunter1");
  Config config = this->config();
  config.database_password_file = file.path();
  ASSERT_OK_AND_ASSIGN(const Backends backends, connect(config));
  setPassword("hunter2");
  endSessions();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(use(backends), StatusIs(StatusCode::kPermissionDenied, Not(HasSubstr("hunter"))));
  }
  file.replace("hunter2");
  EXPECT_THAT(use(backends), IsOk());
  file.remove();
  EXPECT_THAT(use(backends), IsOk()) << "a session that is open needs no password";
  endSessions();
  EXPECT_THAT(use(backends), StatusIs(StatusCode::kFailedPrecondition,
                                      AllOf(HasSubstr(file.path()), HasSubstr("not exist"))));
  file.replace("hunter2");
  EXPECT_THAT(use(backends), IsOk());
}

TEST_F(DatabasePassword, IsAskedForAgainAtOnceWhenItHasJustChanged) {
  std::atomic<int> asked = 0;
  const SecretSource source = [&] {
    return absl::StatusOr<Secret>(++asked == 1 ? Secret("expired") : Secret("hunter1"));
  };
  ASSERT_OK_AND_ASSIGN(const Backends backends, connect(config(), {.database_password = source}));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(backends.database->stats().failures, 0U) << "one attempt of the pool";
  endSessions();
  EXPECT_THAT(use(backends), IsOk());
  EXPECT_EQ(asked, 3) << "for each new connection";
}

TEST_F(DatabasePassword, OfACallbackWinsOverThatOfTheUrl) {
  const auto new_token = [] { return absl::StatusOr<Secret>("hunter1"); };
  Config config = this->config();
  const std::string url = config.database_url.reveal();
  config.database_url = "postgresql://rotated:of-yesterday" + url.substr(url.find('@'));
  ConnectOptions options;
  // A token of a cloud's identity service, which lives for 15 minutes.
  options.database_password = [&]() -> absl::StatusOr<Secret> { return new_token(); };
  auto backends = connect(config, options);
  ASSERT_THAT(backends, IsOk());
  EXPECT_THAT(use(*backends), IsOk());
}

// B-79
TEST_F(DatabasePassword, OfACallbackThatFailsOrThrowsIsTheErrorOfConnect) {
  const auto failing = [] {
    return absl::StatusOr<Secret>(absl::UnavailableError("no identity service"));
  };
  EXPECT_THAT(connect(config(), {.database_password = failing}),
              StatusIs(StatusCode::kUnavailable, HasSubstr("no identity service")));
  const auto throwing = []() -> absl::StatusOr<Secret> { throw std::runtime_error("hunter1"); };
  EXPECT_THAT(
      connect(config(), {.database_password = throwing}),
      StatusIs(StatusCode::kInternal, AllOf(HasSubstr("callback"), Not(HasSubstr("hunter1")))));
}

TEST_F(DatabasePassword, OfAnEventHubChangesToo) {
  SecretFile file("hunter1");
  Config config = this->config();
  config.database_password_file = file.path();
  ASSERT_OK_AND_ASSIGN(const auto hub, createEventHub(config));
  const EventChannel channel("order", "o1");
  ASSERT_OK_AND_ASSIGN(const auto events, hub->subscribe(channel));
  setPassword("hunter2");
  file.replace("hunter2");
  endSessions();
  EXPECT_TRUE(eventually([] { return listens(); }, absl::Minutes(1)));
  EXPECT_TRUE(eventually([&] { return hub->healthCheck().healthy(); }, absl::Minutes(1)));
  EXPECT_THAT(hub->publish(channel, "done", Json()), IsOk());
  while (true) {
    ASSERT_OK_AND_ASSIGN(const auto item, events->next());
    if (item.event == nullptr) continue;  // the gap
    EXPECT_EQ(item.event->name, "done");
    break;
  }
}

TEST_F(DatabasePassword, IsRefusedFromTwoSourcesAtOnce) {
  const SecretFile file("hunter1");
  Config config = this->config();
  config.database_password_file = file.path();
  config.cache_url = "redis://127.0.0.1:1";
  config.cache_password_file = file.path();
  const auto source = [] { return absl::StatusOr<Secret>("hunter1"); };
  EXPECT_THAT(connect(config, {.database_password = source}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("DATABASE_PASSWORD_FILE"), HasSubstr("database_password"))));
  EXPECT_THAT(connect(config, {.cache_password = source}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("REDIS_PASSWORD_FILE"), HasSubstr("cache_password"))));
}

// ---- Redis ----

class CachePassword : public ::testing::Test {
 protected:
  CachePassword() {
    EXPECT_THAT(redis().command(
                    {"ACL", "SETUSER", "rotated", "reset", "on", ">hunter1", "~*", "&*", "+@all"}),
                IsOk());
  }
  ~CachePassword() override { EXPECT_THAT(redis().command({"ACL", "DELUSER", "rotated"}), IsOk()); }

  static testing::LocalRedis& redis() { return sharedServers().redis(); }
  static void setPassword(const std::string& password) {
    ASSERT_THAT(redis().command({"ACL", "SETUSER", "rotated", "resetpass", ">" + password}),
                IsOk());
  }
  static void endSessions() {
    ASSERT_THAT(redis().command({"CLIENT", "KILL", "USER", "rotated"}), IsOk());
  }
  // Whether the user has a connection that subscribes to something.
  static bool listens() {
    const auto clients = redis().command({"CLIENT", "LIST", "TYPE", "pubsub"});
    return clients.ok() && clients->find("user=rotated") != std::string::npos;
  }
  static Config config() {
    Config config;
    config.app = "passwords";
    const std::string url = redis().url();
    config.cache_url = "redis://rotated@" + url.substr(std::string("redis://").size());
    return config;
  }
};

TEST_F(CachePassword, ComesFromAFileThatIsReplacedWhileTheClientRuns) {
  SecretFile file("hunter1\r\n");
  Config config = this->config();
  config.cache_password_file = file.path();
  ASSERT_OK_AND_ASSIGN(const auto cache, createCacheClient(config));
  EXPECT_THAT(cache->ping(), IsOk());
  for (const std::string password : {"hunter2", " with blanks ", "a@b:c/d?e"}) {
    setPassword(password);
    file.replace(password);
    endSessions();
    // The first call may find the connection before it is closed.
    EXPECT_TRUE(eventually([&] { return cache->ping().ok(); })) << password;
  }
}

// B-33, B-79
TEST_F(CachePassword, IsRefusedUntilTheFileHasTheNewOne) {
  SecretFile file("hunter1");
  Config config = this->config();
  config.cache_password_file = file.path();
  ASSERT_OK_AND_ASSIGN(const auto cache, createCacheClient(config));
  ASSERT_THAT(cache->ping(), IsOk());
  setPassword("hunter2");
  endSessions();
  EXPECT_TRUE(eventually([&] { return absl::IsPermissionDenied(cache->ping()); }));
  EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kPermissionDenied, Not(HasSubstr("hunter"))));
  file.replace("hunter2");
  EXPECT_THAT(cache->ping(), IsOk());
  EXPECT_TRUE(eventually([&] { return cache->get("k").ok(); })) << "once it is tried again";
}

TEST_F(CachePassword, IsAskedForAgainAtOnceWhenItHasJustChanged) {
  std::atomic<int> asked = 0;
  const SecretSource source = [&] {
    return absl::StatusOr<Secret>(++asked == 1 ? Secret("expired") : Secret("hunter1"));
  };
  ASSERT_OK_AND_ASSIGN(const auto cache, createCacheClient(config(), Clock::system(), source));
  EXPECT_THAT(cache->ping(), IsOk());
  EXPECT_EQ(asked, 2);
}

// B-79
TEST_F(CachePassword, OfACallbackThatThrowsIsTheErrorOfTheCall) {
  const auto throwing = []() -> absl::StatusOr<Secret> { throw std::runtime_error("hunter1"); };
  ASSERT_OK_AND_ASSIGN(const auto cache, createCacheClient(config(), Clock::system(), throwing));
  EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kInternal, Not(HasSubstr("hunter1"))));
}

TEST_F(CachePassword, OfLimitersAndEventHubsChangesToo) {
  SecretFile file("hunter1");
  Config config = this->config();
  config.cache_password_file = file.path();
  ASSERT_OK_AND_ASSIGN(const auto log, createRateLimitLog(Backends{.config = config}));
  ASSERT_OK_AND_ASSIGN(const auto hub, createEventHub(config));
  const EventChannel channel("order", "o1");
  ASSERT_OK_AND_ASSIGN(const auto events, hub->subscribe(channel));
  setPassword("hunter2");
  file.replace("hunter2");
  endSessions();
  EXPECT_TRUE(eventually([&] { return log->ping().ok(); }));
  EXPECT_TRUE(eventually([] { return listens(); }, absl::Minutes(1)));
  EXPECT_TRUE(eventually([&] { return hub->healthCheck().healthy(); }, absl::Minutes(1)));
  EXPECT_THAT(hub->publish(channel, "done", Json()), IsOk());
  while (true) {
    ASSERT_OK_AND_ASSIGN(const auto item, events->next());
    if (item.event == nullptr) continue;  // the gap
    EXPECT_EQ(item.event->name, "done");
    break;
  }
}

TEST(CachePasswordOfAllUsers, IsReadForTheNextConnection) {
  ASSERT_OK_AND_ASSIGN(const auto servers,
                       testing::LocalServers::start({.redis = true, .redis_password = "hunter1"}));
  SecretFile file("hunter1");
  Config config;
  config.cache_url = "redis://127.0.0.1:" + std::to_string(servers->redis().port());
  config.cache_password_file = file.path();
  const auto ping = [&] { return (*createCacheClient(config))->ping(); };
  EXPECT_THAT(ping(), IsOk());
  ASSERT_THAT(servers->redis().command({"CONFIG", "SET", "requirepass", "hunter2"}), IsOk());
  EXPECT_THAT(ping(), StatusIs(StatusCode::kPermissionDenied, Not(HasSubstr("hunter"))));
  file.replace("hunter2\n");
  EXPECT_THAT(ping(), IsOk());
}

// ---- Both families of variables on servers ----

// B-78
// The token was sent to the Redis, which refused it: connect failed.
TEST(LeftoverToken, DoesNotReachTheRedis) {
  const std::map<std::string, std::string> variables = {
      {"STRATA_APP", "passwords"},
      {"DATABASE_URL", sharedServers().postgres().url()},
      {"REDIS_URL", sharedServers().redis().url()},
      {"UPSTASH_REDIS_REST_TOKEN", "hunter2"}};
  ASSERT_OK_AND_ASSIGN(const Config config, configFromEnv([&](const char* name) {
                         const auto found = variables.find(name);
                         return found == variables.end() ? std::nullopt
                                                         : std::optional(found->second);
                       }));
  ASSERT_OK_AND_ASSIGN(const Backends backends, connect(config));
  EXPECT_THAT(backends.cache->ping(), IsOk());
}

// ---- The pool of the database, from the environment and the URL ----

TEST(DatabasePool, TakesTheUrlOverTheVariableOverTheDefault) {
  const std::string url = sharedServers().postgres().url();
  const auto size_of = [&](const std::string& parameters, const char* variable) {
    const auto config = configFromEnv([&](const char* name) -> std::optional<std::string> {
      if (name == std::string("DATABASE_URL")) {
        return url + (url.find('?') == std::string::npos ? "?" : "&") + parameters;
      }
      return name == std::string("DATABASE_POOL_SIZE") ? std::optional<std::string>(variable)
                                                       : std::nullopt;
    });
    EXPECT_THAT(config, IsOk());
    return connect(*config)->database->stats().size;
  };
  EXPECT_EQ(size_of("sslmode=disable", ""), PostgresOptions{}.pool_size);
  EXPECT_EQ(size_of("sslmode=disable", "3"), 3U);
  EXPECT_EQ(size_of("pool_size=2", "3"), 2U);
  EXPECT_EQ(size_of("connection_limit=1", "3"), 1U);
}

Config at(const std::string& database_url) {
  Config config;
  config.database_url = database_url;
  return config;
}

TEST(PlainText, IsWarnedOfOnceForAnotherHost) {
  std::ostringstream logged;
  spdlog::register_logger(std::make_shared<spdlog::logger>(
      "strata", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged)));
  const std::string url = sharedServers().postgres().url();
  EXPECT_THAT(connect(at(url)), IsOk());
  EXPECT_THAT(logged.str(), Not(HasSubstr("plain_text"))) << "this host";
  // The name counts, not where it leads.
  const std::string elsewhere =
      url + (url.find('?') == std::string::npos ? "?" : "&") + "host=db.example&hostaddr=127.0.0.1";
  EXPECT_THAT(connect(at(elsewhere)), IsOk());
  EXPECT_THAT(connect(at(elsewhere + "&sslmode=require")), Not(IsOk()));
  spdlog::drop("strata");
  const std::string text = logged.str();
  const std::size_t first = text.find("strata.postgres.plain_text");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("strata.postgres.plain_text", first + 1), std::string::npos);
  EXPECT_THAT(text, AllOf(HasSubstr("sslmode=require"), HasSubstr("db.example")));
}

}  // namespace
}  // namespace strata
