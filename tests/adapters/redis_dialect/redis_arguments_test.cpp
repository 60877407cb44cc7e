#include "adapters/redis_dialect/arguments.h"

#include <gtest/gtest.h>

namespace strata::internal {
namespace {

TEST(RedisArguments, APatternMatchesThePrefixAsItStands) {
  EXPECT_EQ(scanPatternOf(""), "*");
  EXPECT_EQ(scanPatternOf("app:conv:"), "app:conv:*");
  EXPECT_EQ(scanPatternOf("a*b?[c]\\^-"), "a\\*b\\?\\[c\\]\\\\^-*");
}

TEST(RedisArguments, ATimeToLiveIsInWholeMilliseconds) {
  EXPECT_EQ(millisText(absl::Seconds(300)), "300000");
  EXPECT_EQ(millisText(absl::Microseconds(1999)), "1");
}

}  // namespace
}  // namespace strata::internal
