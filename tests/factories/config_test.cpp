#include "strata/factories/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "strata/testing/status_matchers.h"
#include "tests/base/secret_file.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

absl::StatusOr<Config> configOf(const std::map<std::string, std::string>& variables) {
  return configFromEnv([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

// B-76
TEST(Config, OfAnEmptyEnvironmentIsInMemoryWithTheDefaults) {
  for (const auto& config : {configOf({}), configOf({{"DATABASE_URL", ""}, {"REDIS_URL", ""}})}) {
    ASSERT_THAT(config, IsOk());
    EXPECT_TRUE(config->app.empty());
    EXPECT_TRUE(config->database_url.empty());
    EXPECT_EQ(config->cacheProvider(), CacheProvider::kMemory);
    EXPECT_EQ(config->domain.policy_ttl, absl::Seconds(300));
    EXPECT_EQ(config->domain.conversation_ttl, absl::Seconds(60));
    EXPECT_TRUE(config->enable_redis_caching);
    EXPECT_FALSE(config->domain.enable_conversation_cache);
  }
}

std::map<std::string, std::string> everyVariable() {
  return {{"STRATA_APP", "shop"},
          {"DATABASE_URL", "postgresql://u:p@h/db"},
          {"DATABASE_DIRECT_URL", "postgres://u:p@h:5433/db"},
          {"DATABASE_POOL_SIZE", "3"},
          {"DATABASE_POOL_ACQUIRE_TIMEOUT_MS", "250"},
          {"DATABASE_POOL_CONNECT_TIMEOUT_MS", "3000"},
          {"DATABASE_POOL_STATEMENT_TIMEOUT_MS", "700"},
          {"DATABASE_POOL_MAX_AGE_SECONDS", "60"},
          {"DATABASE_POOL_MAX_IDLE_UNPROVEN_SECONDS", "5"},
          {"DATABASE_PREPARE_STATEMENTS", "off"},
          {"REDIS_URL", "rediss://h:6380/1"},
          {"REDIS_PASSWORD", "hunter2"},
          {"CACHE_PROVIDER", "Redis"},
          {"EVENT_HUB_PROVIDER", "postgres"},
          {"RATE_LIMIT_PROVIDER", "memory"},
          {"CACHE_TTL_AUTH_SECONDS", "1"},
          {"CACHE_TTL_POLICY_SECONDS", "2"},
          {"CACHE_TTL_CONFIG_SECONDS", "3"},
          {"CACHE_TTL_CONVERSATION_SECONDS", "4"},
          {"ENABLE_REDIS_CACHING", "off"},
          {"ENABLE_LLM_POLICY_CACHE", "0"},
          {"ENABLE_CONVERSATION_CONFIG_CACHE", "no"},
          {"ENABLE_CONVERSATION_CACHING", "TRUE"},
          {"ENABLE_AUTH_VALIDATION_CACHE", "false"},
          {"ENABLE_RATE_LIMITER_REDIS", "False"},
          {"ENABLE_REDIS_EVENT_HUBS", "no"},
          {"ENABLE_ROW_LEVEL_SECURITY", "on"},
          {"DOMAIN_SCHEMA", "crm_2"}};
}

// B-76
TEST(Config, ReadsEveryVariableOfTheDatabase) {
  const auto config = configOf(everyVariable());
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->app, "shop");
  EXPECT_EQ(config->database_url.reveal(), "postgresql://u:p@h/db");
  EXPECT_EQ(config->database_direct_url.reveal(), "postgres://u:p@h:5433/db");
  EXPECT_EQ(config->database_pool,
            (DatabasePoolConfig{.size = 3,
                                .acquire_timeout = absl::Milliseconds(250),
                                .connect_timeout = absl::Seconds(3),
                                .statement_timeout = absl::Milliseconds(700),
                                .max_age = absl::Minutes(1),
                                .max_idle_unproven = absl::Seconds(5),
                                .prepare_statements = PrepareStatements::kOff}));
}

// B-76
TEST(Config, ReadsEveryVariableOfTheServersAndTheirProviders) {
  const auto config = configOf(everyVariable());
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->cache_url.reveal(), "rediss://h:6380/1");
  EXPECT_EQ(config->cache_password.reveal(), "hunter2");
  EXPECT_EQ(config->cache_provider, CacheProvider::kRedis);
  EXPECT_EQ(config->event_hub_provider, EventHubProvider::kPostgres);
  EXPECT_EQ(config->rate_limit_provider, RateLimitProvider::kMemory);
}

// B-76
TEST(Config, ReadsEveryTimeToLiveAndSwitch) {
  const auto config = configOf(everyVariable());
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->domain.auth_ttl, absl::Seconds(1));
  EXPECT_EQ(config->domain.policy_ttl, absl::Seconds(2));
  EXPECT_EQ(config->domain.config_ttl, absl::Seconds(3));
  EXPECT_EQ(config->domain.conversation_ttl, absl::Seconds(4));
  EXPECT_FALSE(config->enable_redis_caching);
  EXPECT_FALSE(config->domain.enable_policy_cache);
  EXPECT_FALSE(config->domain.enable_conversation_config_cache);
  EXPECT_TRUE(config->domain.enable_conversation_cache);
  EXPECT_FALSE(config->domain.enable_auth_validation_cache);
  EXPECT_FALSE(config->enable_redis_rate_limiter);
  EXPECT_FALSE(config->enable_redis_event_hubs);
  EXPECT_EQ(config->domain.schema, "crm_2");
}

// B-76
TEST(Config, AcceptsTheAliasesOfUpstash) {
  const auto config = configOf(
      {{"UPSTASH_REDIS_REST_URL", "https://h.example"}, {"UPSTASH_REDIS_REST_TOKEN", "token"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->cacheProvider(), CacheProvider::kUpstash);
  EXPECT_EQ(config->cache_password.reveal(), "token");
  EXPECT_EQ(configOf({{"REDIS_URL", "redis://h"}, {"REDIS_TOKEN", "t"}})->cache_password.reveal(),
            "t");
}

struct Wrong {
  const char* variable;
  const char* value;
};

class ConfigRefuses : public ::testing::TestWithParam<Wrong> {};

// B-76
TEST_P(ConfigRefuses, NamingTheVariable) {
  EXPECT_THAT(configOf({{GetParam().variable, GetParam().value}}),
              StatusIs(kInvalid, HasSubstr(GetParam().variable)));
}

INSTANTIATE_TEST_SUITE_P(
    EveryVariable, ConfigRefuses,
    ::testing::Values(
        Wrong{"STRATA_APP", " "}, Wrong{"STRATA_APP", "my shop"}, Wrong{"STRATA_APP", "shop:eu"},
        Wrong{"STRATA_APP", "shop*"}, Wrong{"STRATA_APP", "50%"},
        Wrong{"DATABASE_URL", "mysql://h"}, Wrong{"REDIS_URL", "memcached://h"},
        Wrong{"DATABASE_URL", "postgresql://h/db?schema=public"},
        Wrong{"DATABASE_DIRECT_URL", "postgresql://h/db"},
        Wrong{"UPSTASH_REDIS_REST_URL", "redis://h"}, Wrong{"DATABASE_POOL_SIZE", "0"},
        Wrong{"DATABASE_POOL_SIZE", "1001"}, Wrong{"DATABASE_POOL_SIZE", "four"},
        Wrong{"DATABASE_POOL_ACQUIRE_TIMEOUT_MS", "1s"},
        Wrong{"DATABASE_POOL_CONNECT_TIMEOUT_MS", "-1"},
        Wrong{"DATABASE_POOL_STATEMENT_TIMEOUT_MS", "86400001"},
        Wrong{"DATABASE_POOL_MAX_AGE_SECONDS", "0"},
        Wrong{"DATABASE_POOL_MAX_IDLE_UNPROVEN_SECONDS", "-1"},
        Wrong{"DATABASE_PREPARE_STATEMENTS", "maybe"},
        Wrong{"DATABASE_PASSWORD_FILE", "/no/such/file"},
        Wrong{"REDIS_PASSWORD_FILE", "/no/such/file"}, Wrong{"CACHE_PROVIDER", "memcached"},
        Wrong{"CACHE_PROVIDER", "redis"}, Wrong{"EVENT_HUB_PROVIDER", "kafka"},
        Wrong{"EVENT_HUB_PROVIDER", "postgres"}, Wrong{"RATE_LIMIT_PROVIDER", "redis"},
        Wrong{"CACHE_TTL_AUTH_SECONDS", "0"}, Wrong{"CACHE_TTL_AUTH_SECONDS", "-1"},
        Wrong{"CACHE_TTL_POLICY_SECONDS", "5m"}, Wrong{"CACHE_TTL_CONFIG_SECONDS", "99999999999"},
        Wrong{"CACHE_TTL_CONVERSATION_SECONDS", " "}, Wrong{"ENABLE_REDIS_CACHING", "maybe"},
        Wrong{"ENABLE_LLM_POLICY_CACHE", "2"}, Wrong{"ENABLE_CONVERSATION_CONFIG_CACHE", "y"},
        Wrong{"ENABLE_CONVERSATION_CACHING", "n"}, Wrong{"ENABLE_AUTH_VALIDATION_CACHE", "-"},
        Wrong{"ENABLE_RATE_LIMITER_REDIS", "."}, Wrong{"ENABLE_REDIS_EVENT_HUBS", "?"},
        Wrong{"ENABLE_ROW_LEVEL_SECURITY", "?"}, Wrong{"DOMAIN_SCHEMA", "a\"b"},
        Wrong{"DOMAIN_SCHEMA", "a'b"}, Wrong{"DOMAIN_SCHEMA", "Crm"},
        Wrong{"DOMAIN_SCHEMA", "2crm"}, Wrong{"DOMAIN_SCHEMA", "a.b"},
        Wrong{"DOMAIN_SCHEMA", "$user"}, Wrong{"DOMAIN_SCHEMA", "pg_mine"},
        Wrong{"DOMAIN_SCHEMA", "information_schema"},
        Wrong{"DOMAIN_SCHEMA",
              "a234567890123456789012345678901234567890123456789012345678901234"}));

// B-76
// A line break at the end of a Kubernetes secret became part of the password or of a name.
TEST(Config, RefusesWhiteSpaceAtTheEndsOfAnyVariable) {
  const std::map<std::string, std::string> good = {
      {"STRATA_APP", "shop"},
      {"DATABASE_URL", "postgresql://u:hunter2@h/db"},
      {"DATABASE_DIRECT_URL", "postgresql://u:hunter2@h/db"},
      {"DATABASE_POOL_SIZE", "3"},
      {"DATABASE_PREPARE_STATEMENTS", "on"},
      {"REDIS_URL", "redis://h"},
      {"REDIS_PASSWORD", "hunter2"},
      {"CACHE_PROVIDER", "redis"},
      {"CACHE_TTL_AUTH_SECONDS", "1"},
      {"ENABLE_REDIS_CACHING", "on"}};
  ASSERT_THAT(configOf(good), IsOk());
  for (const auto& [name, value] : good) {
    for (const std::string& bad :
         {value + "\n", value + "\r\n", value + " ", "\t" + value, " " + value}) {
      auto variables = good;
      variables[name] = bad;
      EXPECT_THAT(configOf(variables),
                  StatusIs(kInvalid, AllOf(HasSubstr(name + " has white space"),
                                           Not(HasSubstr("; ")), Not(HasSubstr("hunter2")))))
          << name;
    }
    auto variables = good;
    variables[name] = "\n";
    EXPECT_THAT(configOf(variables), StatusIs(kInvalid, HasSubstr(name + " has white space")));
  }
}

TEST(Config, RefusesWhiteSpaceAlsoInWhatCodeHasSet) {
  const auto problem_of = [](auto set) {
    Config config;
    config.database_url = "postgresql://h/db";
    config.cache_url = "redis://h";
    set(config);
    return validate(config);
  };
  const auto has_white_space = StatusIs(kInvalid, HasSubstr("white space"));
  EXPECT_THAT(problem_of([](Config&) {}), IsOk());
  EXPECT_THAT(problem_of([](Config& c) { c.database_url = "postgresql://h/db\n"; }),
              has_white_space);
  EXPECT_THAT(problem_of([](Config& c) { c.database_direct_url = " postgresql://h/db"; }),
              StatusIs(kInvalid, HasSubstr("DATABASE_DIRECT_URL")));
  EXPECT_THAT(problem_of([](Config& c) { c.cache_url = "redis://h\n"; }), has_white_space);
  EXPECT_THAT(problem_of([](Config& c) { c.cache_url = "https://h\n"; }), has_white_space);
  EXPECT_THAT(problem_of([](Config& c) { c.cache_password = "p\n"; }), has_white_space);
  EXPECT_THAT(problem_of([](Config& c) { c.database_password_file = "/f\n"; }), has_white_space);
  EXPECT_THAT(problem_of([](Config& c) { c.cache_password_file = "/f\n"; }), has_white_space);
}

TEST(Config, ChecksTheRangesOfAPoolThatCodeHasSet) {
  Config config;
  config.database_pool = {.size = 0, .acquire_timeout = absl::ZeroDuration()};
  EXPECT_THAT(validate(config),
              StatusIs(kInvalid, AllOf(HasSubstr("DATABASE_POOL_SIZE"),
                                       HasSubstr("DATABASE_POOL_ACQUIRE_TIMEOUT_MS"))));
}

// B-78
TEST(Config, RefusesTwoSourcesOfOnePassword) {
  const testing::SecretFile file("hunter2");
  const auto both = [](const char* a, const char* b) {
    return StatusIs(kInvalid, AllOf(HasSubstr(a), HasSubstr(b), Not(HasSubstr("hunter"))));
  };
  EXPECT_THAT(configOf({{"DATABASE_URL", "postgresql://u:hunter1@h/db"},
                        {"DATABASE_PASSWORD_FILE", file.path()}}),
              both("DATABASE_URL", "DATABASE_PASSWORD_FILE"));
  EXPECT_THAT(configOf({{"DATABASE_URL", "postgresql://u@h/db"},
                        {"DATABASE_DIRECT_URL", "postgresql://u:hunter1@h/db"},
                        {"DATABASE_PASSWORD_FILE", file.path()}}),
              both("DATABASE_DIRECT_URL", "DATABASE_PASSWORD_FILE"));
  EXPECT_THAT(configOf({{"REDIS_URL", "redis://:hunter1@h"}, {"REDIS_PASSWORD_FILE", file.path()}}),
              both("REDIS_URL", "REDIS_PASSWORD_FILE"));
  EXPECT_THAT(configOf({{"REDIS_URL", "redis://h"},
                        {"REDIS_TOKEN", "hunter1"},
                        {"REDIS_PASSWORD_FILE", file.path()}}),
              both("REDIS_TOKEN", "REDIS_PASSWORD_FILE"));
  EXPECT_THAT(
      configOf(
          {{"REDIS_URL", "redis://h"}, {"REDIS_PASSWORD", "hunter1"}, {"REDIS_TOKEN", "hunter3"}}),
      both("REDIS_PASSWORD", "REDIS_TOKEN"));
  EXPECT_THAT(configOf({{"REDIS_URL", "redis://:hunter1@h"}, {"REDIS_PASSWORD", "hunter3"}}),
              both("REDIS_URL", "REDIS_PASSWORD"));
  EXPECT_THAT(configOf({{"REDIS_URL", "redis://:hunter1@h"},
                        {"REDIS_PASSWORD", "hunter1"},
                        {"REDIS_TOKEN", "hunter1"}}),
              IsOk())
      << "the same one";
}

// ---- The two families of variables of the cache ----

// What is logged for as long as it lives.
class Logged {
 public:
  Logged() {
    spdlog::register_logger(std::make_shared<spdlog::logger>(
        "strata", std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_)));
  }
  ~Logged() { spdlog::drop("strata"); }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;

  std::string text() const { return stream_.str(); }

 private:
  std::ostringstream stream_;
};

struct Mixture {
  std::map<std::string, std::string> variables;
  const char* provider;

  bool has(const char* name) const { return variables.contains(name); }
};

// Each subset of `all`, with each provider.
std::vector<Mixture> mixturesOf(const std::map<std::string, std::string>& all) {
  std::vector<Mixture> mixtures;
  for (unsigned subset = 0; subset < 1U << all.size(); ++subset) {
    for (const char* provider : {"auto", "redis", "upstash", "memory", "none"}) {
      Mixture mixture{.variables = {}, .provider = provider};
      unsigned bit = 0;
      for (const auto& variable : all) {
        if ((subset >> bit++ & 1U) != 0) mixture.variables.insert(variable);
      }
      mixtures.push_back(std::move(mixture));
    }
  }
  return mixtures;
}

// "URL SECRET FILE" of the configuration, or "error".
std::string outcomeOf(const Mixture& mixture) {
  auto variables = mixture.variables;
  variables["CACHE_PROVIDER"] = mixture.provider;
  const auto config = configOf(variables);
  if (!config.ok()) return "error";
  return config->cache_url.reveal() + " " + config->cache_password.reveal() + " " +
         config->cache_password_file;
}

// The rules of docs/configuration.md.
std::string expectedOf(const Mixture& mixture, bool redis_url_is_rest) {
  const std::string provider = mixture.provider;
  const bool has_redis = mixture.has("REDIS_URL");
  const bool has_rest = mixture.has("UPSTASH_REDIS_REST_URL");
  const bool takes_rest = has_redis == has_rest ? provider == "upstash" : has_rest;
  const auto value = [&](const char* name) {
    return mixture.has(name) ? mixture.variables.at(name) : "";
  };
  const std::string url = value(takes_rest ? "UPSTASH_REDIS_REST_URL" : "REDIS_URL");
  const std::string file = takes_rest ? "" : value("REDIS_PASSWORD_FILE");
  std::string secret = value(takes_rest ? "UPSTASH_REDIS_REST_TOKEN" : "REDIS_PASSWORD");
  if (!takes_rest && secret.empty()) secret = value("REDIS_TOKEN");

  const bool is_rest = takes_rest ? has_rest : has_redis && redis_url_is_rest;
  const bool names_a_server = provider == "redis" || provider == "upstash";
  const bool is_wrong =
      (!file.empty() && !secret.empty()) ||
      (!takes_rest && mixture.has("REDIS_PASSWORD") && mixture.has("REDIS_TOKEN")) ||
      (names_a_server && url.empty()) || (provider == "redis" && is_rest) ||
      (provider == "upstash" && !is_rest) ||
      ((provider == "auto" || provider == "upstash") && is_rest && secret.empty() && file.empty());
  return is_wrong ? "error" : url + " " + secret + " " + file;
}

// B-78
// REDIS_URL beside a leftover UPSTASH_REDIS_REST_TOKEN sent the token to the Redis, in clear text.
TEST(Config, TakesUrlAndSecretOfTheCacheFromOneFamilyInEveryMixture) {
  const testing::SecretFile file("in-the-file");
  const Logged logged;
  for (const bool is_rest : {false, true}) {
    const std::map<std::string, std::string> all = {
        {"REDIS_URL", is_rest ? "https://rest.of.redis" : "redis://redis"},
        {"REDIS_PASSWORD", "redis-password"},
        {"REDIS_TOKEN", "redis-token"},
        {"REDIS_PASSWORD_FILE", file.path()},
        {"UPSTASH_REDIS_REST_URL", "https://rest"},
        {"UPSTASH_REDIS_REST_TOKEN", "rest-token"}};
    int usable = 0;
    for (const Mixture& mixture : mixturesOf(all)) {
      const std::string outcome = outcomeOf(mixture);
      EXPECT_EQ(outcome, expectedOf(mixture, is_rest))
          << mixture.provider << ": " << ::testing::PrintToString(mixture.variables);
      if (outcome != "error") ++usable;
      const bool goes_to_rest = outcome.starts_with("https://rest ");
      EXPECT_TRUE(goes_to_rest || outcome.find("rest-token") == std::string::npos) << outcome;
      EXPECT_TRUE(!goes_to_rest || (outcome.find("redis-") == std::string::npos &&
                                    outcome.find(file.path()) == std::string::npos))
          << outcome;
    }
    EXPECT_GT(usable, 50);
  }
}

// B-78
TEST(Config, SaysWhichVariablesOfTheCacheCount) {
  using Variables = std::map<std::string, std::string>;
  struct Row {
    Variables variables;
    std::string outcome;
  };
  const Row rows[] = {
      {{{"REDIS_URL", "redis://h"}, {"UPSTASH_REDIS_REST_TOKEN", "t"}}, "redis://h  "},
      {{{"REDIS_URL", "redis://h"}, {"REDIS_TOKEN", "p"}, {"UPSTASH_REDIS_REST_TOKEN", "t"}},
       "redis://h p "},
      {{{"UPSTASH_REDIS_REST_URL", "https://u"},
        {"UPSTASH_REDIS_REST_TOKEN", "t"},
        {"REDIS_PASSWORD", "p"}},
       "https://u t "},
      {{{"UPSTASH_REDIS_REST_URL", "https://u"}, {"REDIS_PASSWORD", "p"}}, "error"},
      {{{"REDIS_URL", "https://u"}, {"UPSTASH_REDIS_REST_TOKEN", "t"}}, "error"},
      {{{"REDIS_URL", "https://u"}, {"REDIS_TOKEN", "t"}}, "https://u t "},
      {{{"REDIS_URL", "redis://h"},
        {"UPSTASH_REDIS_REST_URL", "https://u"},
        {"UPSTASH_REDIS_REST_TOKEN", "t"}},
       "redis://h  "},
      {{{"UPSTASH_REDIS_REST_TOKEN", "t"}}, "  "},
      {{{"REDIS_PASSWORD", "p"}}, " p "},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(outcomeOf({.variables = row.variables, .provider = "auto"}), row.outcome)
        << ::testing::PrintToString(row.variables);
  }
  EXPECT_EQ(outcomeOf({.variables = {{"REDIS_URL", "redis://h"},
                                     {"UPSTASH_REDIS_REST_URL", "https://u"},
                                     {"UPSTASH_REDIS_REST_TOKEN", "t"}},
                       .provider = "upstash"}),
            "https://u t ");
}

TEST(Config, WarnsOnceOfVariablesThatDoNotCount) {
  const Logged logged;
  EXPECT_THAT(configOf({{"REDIS_URL", "redis://h"},
                        {"UPSTASH_REDIS_REST_URL", "https://u"},
                        {"UPSTASH_REDIS_REST_TOKEN", "hunter2"}}),
              IsOk());
  const std::string text = logged.text();
  EXPECT_THAT(text, HasSubstr("variables=UPSTASH_REDIS_REST_URL,UPSTASH_REDIS_REST_TOKEN"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

// B-77
TEST(Config, NamesEverythingThatIsWrongInOneError) {
  EXPECT_THAT(configOf({{"ENABLE_REDIS_CACHING", "maybe"},
                        {"CACHE_TTL_AUTH_SECONDS", "x"},
                        {"STRATA_APP", "a:b"},
                        {"DATABASE_URL", "nonsense"}}),
              StatusIs(kInvalid,
                       AllOf(HasSubstr("ENABLE_REDIS_CACHING"), HasSubstr("CACHE_TTL_AUTH_SECONDS"),
                             HasSubstr("STRATA_APP"), HasSubstr("DATABASE_URL"))));
}

// B-78
TEST(Config, RefusesAProviderThatContradictsTheUrl) {
  EXPECT_THAT(
      configOf({{"CACHE_PROVIDER", "upstash"}, {"REDIS_URL", "redis://h"}, {"REDIS_TOKEN", "t"}}),
      StatusIs(kInvalid, HasSubstr("CACHE_PROVIDER is upstash")));
  EXPECT_THAT(
      configOf({{"CACHE_PROVIDER", "redis"}, {"REDIS_URL", "https://h"}, {"REDIS_TOKEN", "t"}}),
      StatusIs(kInvalid, HasSubstr("CACHE_PROVIDER is redis")));
  EXPECT_THAT(configOf({{"REDIS_URL", "https://h"}}), StatusIs(kInvalid, HasSubstr("token")));
  EXPECT_THAT(configOf({{"EVENT_HUB_PROVIDER", "upstash"}, {"REDIS_URL", "redis://h"}}),
              StatusIs(kInvalid, HasSubstr("EVENT_HUB_PROVIDER")));
}

// B-79
TEST(Config, ShowsNoSecretInErrorsOrWhenPrinted) {
  EXPECT_THAT(configOf({{"DATABASE_URL", "mysql://u:hunter2@h"},
                        {"REDIS_URL", "memcached://:hunter2@h"},
                        {"CACHE_TTL_AUTH_SECONDS", "hunter2"}}),
              StatusIs(kInvalid, Not(HasSubstr("hunter2"))));
  std::ostringstream printed;
  printed << Secret("hunter2");
  EXPECT_EQ(printed.str(), "***");
}

}  // namespace
}  // namespace strata
