// How an application tests code that uses a store, without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/records/entity.h"
#include "strata/testing/mocks/mock_store.h"

struct FeatureFlag {
  std::string name;
  bool enabled = false;
};
BOOST_DESCRIBE_STRUCT(FeatureFlag, (), (name, enabled))

template <>
struct strata::Entity<FeatureFlag> {
  static constexpr auto table = "feature_flags";
  static constexpr strata::KeySpace keys{"flags", "flag"};
  static std::string id(const FeatureFlag& f) { return f.name; }
};

// The code under test: it sees a Store<FeatureFlag> and cannot tell which.
std::string greeting(strata::Store<FeatureFlag>& flags) {
  auto flag = flags.get("new-greeting");
  const bool is_new = flag.ok() && *flag != nullptr && (*flag)->enabled;
  return is_new ? "Good to see you!" : "Hello.";
}

using ::testing::_;
using ::testing::Return;

TEST(Greeting, IsTheNewOneWhereTheFlagIsOn) {
  strata::testing::MockStore<FeatureFlag> flags;
  EXPECT_CALL(flags, get(strata::Id("new-greeting"), _))
      .WillOnce(Return(strata::makeSnapshot(FeatureFlag{.name = "new-greeting", .enabled = true})));
  EXPECT_EQ(greeting(flags), "Good to see you!");
}

TEST(Greeting, IsTheOldOneWhenTheStoreCannotBeAsked) {
  strata::testing::MockStore<FeatureFlag> flags;
  EXPECT_CALL(flags, get).WillOnce(Return(absl::UnavailableError("no database")));
  EXPECT_EQ(greeting(flags), "Hello.");
}
