// Who needs an app, and what everybody else gets. No server is asked.
#include "strata/factories/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/factories/cache_admin_factory.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/stores/rate_limits/platform_rate_limits.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

// No server listens on this port.
Config onRedis() {
  Config config;
  config.cache_url = "redis://127.0.0.1:1";
  return config;
}

auto asksForAnApp() {
  return StatusIs(absl::StatusCode::kInvalidArgument,
                  AllOf(HasSubstr("STRATA_APP"), HasSubstr("Config::app")));
}

TEST(App, IsThatOfTheDomainStoresWhereNoneIsSet) {
  EXPECT_EQ(appOf(Config{}), "copilot");
  EXPECT_EQ(appOf({.app = "shop"}), "shop");
  EXPECT_EQ(withDomainApp(Config{}).app, "copilot");
  EXPECT_EQ(withDomainApp({.app = "shop"}).app, "shop");
}

TEST(App, HasToBeSetForWhatSharesAServer) {
  EXPECT_THAT(
      requireApp(Config{}, "store flags"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("store flags"), HasSubstr("STRATA_APP"), HasSubstr("Config::app"))));
  EXPECT_THAT(requireApp({.app = "shop"}, "store flags"), IsOk());
  EXPECT_THAT(requireApp(withDomainApp(Config{}), "store flags"), IsOk());
}

TEST(App, HasToBeSetForComponentsOnACacheServerThatAreNotOfTheDomain) {
  EXPECT_THAT(createEventHub(onRedis()), asksForAnApp());
  EXPECT_THAT(createRateLimiter(onRedis(), {.limit = {.name = "search"}}), asksForAnApp());
  EXPECT_THAT(createCacheAdmin({.config = onRedis()}), asksForAnApp());
}

TEST(App, HasToBeSetForAPresetToo) {
  EXPECT_THAT(createRateLimiter(onRedis(), {.limit = aiRateLimit()}), asksForAnApp());
  EXPECT_THAT(createRateLimiter(withDomainApp(onRedis()), {.limit = aiRateLimit()}), IsOk());
}

TEST(App, NeedNotBeSetWhereTheServerIsNotUsed) {
  Config config = onRedis();
  config.enable_redis_caching = false;
  config.enable_redis_rate_limiter = false;
  config.event_hub_provider = EventHubProvider::kMemory;
  EXPECT_THAT(createEventHub(config), IsOk());
  EXPECT_THAT(createRateLimiter(config, {.limit = {.name = "search"}}), IsOk());
  EXPECT_THAT(createCacheAdmin({.config = config}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nothing is cached")));
}

}  // namespace
}  // namespace strata
