#include "strata/factories/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "strata/testing/status_matchers.h"

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

// B-76
TEST(Config, ReadsEveryVariable) {
  const auto config = configOf({{"STRATA_APP", "shop"},
                                {"DATABASE_URL", "postgresql://u:p@h/db"},
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
                                {"ENABLE_ROW_LEVEL_SECURITY", "on"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->app, "shop");
  EXPECT_EQ(config->database_url.reveal(), "postgresql://u:p@h/db");
  EXPECT_EQ(config->cache_url.reveal(), "rediss://h:6380/1");
  EXPECT_EQ(config->cache_password.reveal(), "hunter2");
  EXPECT_EQ(config->cache_provider, CacheProvider::kRedis);
  EXPECT_EQ(config->event_hub_provider, EventHubProvider::kPostgres);
  EXPECT_EQ(config->rate_limit_provider, RateLimitProvider::kMemory);
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
        Wrong{"CACHE_PROVIDER", "memcached"}, Wrong{"CACHE_PROVIDER", "redis"},
        Wrong{"EVENT_HUB_PROVIDER", "kafka"}, Wrong{"EVENT_HUB_PROVIDER", "postgres"},
        Wrong{"RATE_LIMIT_PROVIDER", "redis"}, Wrong{"CACHE_TTL_AUTH_SECONDS", "0"},
        Wrong{"CACHE_TTL_AUTH_SECONDS", "-1"}, Wrong{"CACHE_TTL_POLICY_SECONDS", "5m"},
        Wrong{"CACHE_TTL_CONFIG_SECONDS", "99999999999"},
        Wrong{"CACHE_TTL_CONVERSATION_SECONDS", " "}, Wrong{"ENABLE_REDIS_CACHING", "maybe"},
        Wrong{"ENABLE_LLM_POLICY_CACHE", "2"}, Wrong{"ENABLE_CONVERSATION_CONFIG_CACHE", "y"},
        Wrong{"ENABLE_CONVERSATION_CACHING", "n"}, Wrong{"ENABLE_AUTH_VALIDATION_CACHE", "-"},
        Wrong{"ENABLE_RATE_LIMITER_REDIS", "."}, Wrong{"ENABLE_REDIS_EVENT_HUBS", "?"},
        Wrong{"ENABLE_ROW_LEVEL_SECURITY", "?"}));

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
