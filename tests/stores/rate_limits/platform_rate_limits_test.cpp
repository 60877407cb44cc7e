#include "strata/stores/rate_limits/platform_rate_limits.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::IsOk;

TEST(PlatformRateLimits, AreValidAndPerMinute) {
  for (const RateLimit& limit :
       {authRateLimit(), aiRateLimit(), writeRateLimit(), globalRateLimit()}) {
    EXPECT_THAT(validate(limit), IsOk());
    EXPECT_EQ(limit.window, absl::Minutes(1));
  }
}

TEST(PlatformRateLimits, AllowWhatThePlatformHasSpecified) {
  EXPECT_EQ(authRateLimit().limit, 5);
  EXPECT_EQ(aiRateLimit().limit, 10);
  EXPECT_EQ(writeRateLimit().limit, 30);
  EXPECT_EQ(globalRateLimit().limit, 100);
}

}  // namespace
}  // namespace strata
