// A stranger's unit test: code that uses a store, tested without one.
#include <memory>

#include "feature_flag.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "strata/store/store.h"
#include "strata/testing/mocks/mock_store.h"
#include "strata/testing/status_matchers.h"

namespace {

using ::testing::_;
using ::testing::Return;

// What is tested: a feature whose flag cannot be read is off.
bool isOn(strata::Store<FeatureFlag>& flags, const strata::Id& name) {
  auto flag = flags.get(name);
  return flag.ok() && *flag != nullptr && (*flag)->enabled;
}

TEST(Rollout, FollowsTheFlag) {
  strata::testing::MockStore<FeatureFlag> flags;
  EXPECT_CALL(flags, get(strata::Id("checkout-v2"), _))
      .WillOnce(Return(std::make_shared<const FeatureFlag>(
          FeatureFlag{.name = "checkout-v2", .enabled = true, .audiences = {}})));
  EXPECT_TRUE(isOn(flags, "checkout-v2"));
}

TEST(Rollout, IsOffWhileTheStoreIsDown) {
  strata::testing::MockStore<FeatureFlag> flags;
  EXPECT_CALL(flags, get(_, _)).WillOnce(Return(absl::UnavailableError("down")));
  EXPECT_FALSE(isOn(flags, "checkout-v2"));
}

}  // namespace
