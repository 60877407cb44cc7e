// What every ConversationConfigStore does, on whatever it stands. Instantiated per stack by
// conversation_config_store_test.cpp and by tests/stores/conversation_config/conversation_config_chaostest.cpp.
#pragma once

#include <gmock/gmock.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "tests/stores/conversation_config/conversation_config_fixture.h"

namespace strata {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// B-1
TEST_P(ConversationConfigSuite, AnswersTheDefaultsWhereNoLevelSaysAnything) {
  for (int i = 0; i < 2; ++i) {  // from the database, then from the cache where there is one
    EXPECT_THAT(store_.getConfig(kTenant), IsOkAndHolds(ConversationConfig{}));
    EXPECT_THAT(store_.getConfig(kTenant, kUser), IsOkAndHolds(ConversationConfig{}));
    EXPECT_THAT(store_.getGlobalOverrides(), IsOkAndHolds(nullptr));
    EXPECT_THAT(store_.getTenantOverrides(kTenant), IsOkAndHolds(nullptr));
    EXPECT_THAT(store_.getUserOverrides(kTenant, kUser), IsOkAndHolds(nullptr));
  }
}

TEST_P(ConversationConfigSuite, LaysOneFieldOfATenantOverWhatIsGlobal) {
  ASSERT_THAT(store_.setGlobalConfig({.merge_max_messages = 10, .path_max_messages = 20}), IsOk());
  ASSERT_THAT(store_.setTenantConfig(kTenant, {.path_max_messages = 30}), IsOk());
  ConversationConfig expected;
  expected.merge_max_messages = 10;
  expected.path_max_messages = 30;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(store_.getConfig(kTenant), IsOkAndHolds(expected));
    EXPECT_THAT(store_.getConfig(kTenant, kUser), IsOkAndHolds(expected));
  }
}

TEST_P(ConversationConfigSuite, LetsTheUserWinOverTheTenantAndTheTenantOverAll) {
  ASSERT_THAT(store_.setUserConfig(kTenant, kUser, {.path_max_messages = 3}), IsOk());
  ASSERT_THAT(
      store_.setTenantConfig(kTenant, {.path_max_messages = 2, .path_compression_threshold = 0.2}),
      IsOk());
  ASSERT_THAT(store_.setGlobalConfig({.path_max_messages = 1,
                                      .path_compression_threshold = 0.1,
                                      .auto_compact_enabled = false}),
              IsOk());
  const auto config = store_.getConfig(kTenant, kUser);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->path_max_messages, 3);
  EXPECT_EQ(config->path_compression_threshold, 0.2);
  EXPECT_FALSE(config->auto_compact_enabled);
  EXPECT_EQ(store_.getConfig(kTenant, kOtherUser)->path_max_messages, 2);
  EXPECT_EQ(store_.getConfig(kTenant)->path_max_messages, 2);
  EXPECT_EQ(store_.getConfig(kOtherTenant)->path_max_messages, 1);
}

// B-7
TEST_P(ConversationConfigSuite, RoundTripsEveryFieldAndSaysWhomItIsFor) {
  // Whom a caller says they are for makes no difference.
  Overrides given = everything();
  given.level = ConfigLevel::kUser;
  given.tenant_id = "nobody";
  ASSERT_THAT(store_.setGlobalConfig(given), IsOk());
  ASSERT_THAT(store_.setTenantConfig(kTenant, given), IsOk());
  ASSERT_THAT(store_.setUserConfig(kTenant, kUser, given), IsOk());
  const auto expect_stored = [](const absl::StatusOr<Snapshot<Overrides>>& found, ConfigLevel level,
                                std::optional<std::string> tenant,
                                std::optional<std::string> user) {
    ASSERT_THAT(found, IsOk());
    ASSERT_NE(*found, nullptr);
    Overrides expected = everything();
    expected.level = level;
    expected.tenant_id = std::move(tenant);
    expected.user_id = std::move(user);
    expected.updated_at = (*found)->updated_at;
    EXPECT_EQ(**found, expected);
  };
  for (int i = 0; i < 2; ++i) {
    expect_stored(store_.getGlobalOverrides(), ConfigLevel::kGlobal, {}, {});
    expect_stored(store_.getTenantOverrides(kTenant), ConfigLevel::kTenant, kTenant, {});
    expect_stored(store_.getUserOverrides(kTenant, kUser), ConfigLevel::kUser, kTenant, kUser);
  }
}

// B-2
TEST_P(ConversationConfigSuite, ReplacesAllThatALevelSaid) {
  ASSERT_THAT(store_.setTenantConfig(kTenant, everything()), IsOk());
  ASSERT_THAT(store_.getConfig(kTenant), IsOk());
  const auto version = store_.setTenantConfig(kTenant, {.path_max_messages = 5});
  ASSERT_THAT(version, IsOk());
  ConversationConfig expected;
  expected.path_max_messages = 5;
  EXPECT_THAT(store_.getConfig(kTenant), IsOkAndHolds(expected));
  EXPECT_EQ(store_.getTenantOverrides(kTenant)->version(), *version);
  EXPECT_EQ((*store_.getTenantOverrides(kTenant))->updated_by, std::nullopt);
}

// B-59
TEST_P(ConversationConfigSuite, ShowsAChangeAtOnceInAllThatDependsOnIt) {
  EXPECT_THAT(pathsOfEverybody(), ElementsAre(200, 200, 200, 200, 200, 200));
  ASSERT_THAT(store_.setGlobalConfig({.path_max_messages = 1}), IsOk());
  EXPECT_THAT(pathsOfEverybody(), ElementsAre(1, 1, 1, 1, 1, 1));
  ASSERT_THAT(other_.setGlobalConfig({.path_max_messages = 2}), IsOk());
  EXPECT_THAT(pathsOfEverybody(), ElementsAre(2, 2, 2, 2, 2, 2));
  ASSERT_THAT(other_.setTenantConfig(kTenant, {.path_max_messages = 3}), IsOk());
  EXPECT_THAT(pathsOfEverybody(), ElementsAre(3, 3, 3, 2, 2, 2));
  ASSERT_THAT(store_.setUserConfig(kTenant, kUser, {.path_max_messages = 4}), IsOk());
  EXPECT_THAT(pathsOfEverybody(), ElementsAre(3, 4, 3, 2, 2, 2));
  ASSERT_THAT(other_.deleteGlobalConfig(), IsOk());
  EXPECT_THAT(pathsOfEverybody(), ElementsAre(3, 4, 3, 200, 200, 200));
  ASSERT_THAT(store_.deleteTenantConfig(kTenant), IsOk());
  EXPECT_THAT(pathsOfEverybody(), ElementsAre(200, 4, 200, 200, 200, 200));
  ASSERT_THAT(other_.deleteUserConfig(kTenant, kUser), IsOk());
  EXPECT_THAT(pathsOfEverybody(), ElementsAre(200, 200, 200, 200, 200, 200));
}

TEST_P(ConversationConfigSuite, IsNotOlderThanAVersionOfAnyLevel) {
  ASSERT_THAT(store_.setTenantConfig(kTenant, {.merge_max_messages = 8}), IsOk());
  ASSERT_THAT(store_.getConfig(kTenant, kUser), IsOk());
  const auto version = other_.setGlobalConfig({.path_max_messages = 9});
  ASSERT_THAT(version, IsOk());
  const auto config = store_.getConfig(kTenant, kUser, {.min_version = *version});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->path_max_messages, 9);
  EXPECT_EQ(config->merge_max_messages, 8) << "older, and right";
}

// B-3
TEST_P(ConversationConfigSuite, TakesDeletingNothingForSuccess) {
  ASSERT_THAT(store_.setTenantConfig(kTenant, everything()), IsOk());
  ASSERT_THAT(store_.getConfig(kTenant), IsOk());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(store_.deleteTenantConfig(kTenant), IsOk());
    EXPECT_THAT(store_.deleteUserConfig(kTenant, kUser), IsOk());
    EXPECT_THAT(store_.deleteGlobalConfig(), IsOk());
    EXPECT_THAT(store_.getConfig(kTenant), IsOkAndHolds(ConversationConfig{}));
  }
}

// B-81
TEST_P(ConversationConfigSuite, KeepsTenantsApart) {
  ASSERT_THAT(store_.setTenantConfig(kTenant, everything()), IsOk());
  ASSERT_THAT(store_.setUserConfig(kTenant, kUser, everything()), IsOk());
  EXPECT_THAT(store_.getConfig(kOtherTenant), IsOkAndHolds(ConversationConfig{}));
  EXPECT_THAT(store_.getConfig(kOtherTenant, kUser), IsOkAndHolds(ConversationConfig{}));
  EXPECT_THAT(store_.getTenantOverrides(kOtherTenant), IsOkAndHolds(nullptr));
  EXPECT_THAT(store_.getUserOverrides(kOtherTenant, kUser), IsOkAndHolds(nullptr));
  ASSERT_THAT(store_.deleteTenantConfig(kOtherTenant), IsOk());
  ASSERT_THAT(store_.deleteUserConfig(kOtherTenant, kUser), IsOk());
  ASSERT_THAT(store_.setUserConfig(kOtherTenant, kUser, {.merge_max_messages = 1}), IsOk());
  EXPECT_EQ((*store_.getTenantOverrides(kTenant))->updated_by, everything().updated_by);
  EXPECT_EQ((*store_.getUserOverrides(kTenant, kUser))->updated_by, everything().updated_by);
}

TEST_P(ConversationConfigSuite, KeepsTheUsersOverridesWhenItsTenantsAreDeleted) {
  ASSERT_THAT(store_.setTenantConfig(kTenant, everything()), IsOk());
  ASSERT_THAT(store_.setUserConfig(kTenant, kUser, {.path_max_messages = 4}), IsOk());
  ASSERT_THAT(store_.deleteTenantConfig(kTenant), IsOk());
  ConversationConfig expected;
  expected.path_max_messages = 4;
  EXPECT_THAT(store_.getConfig(kTenant, kUser), IsOkAndHolds(expected));
}

TEST_P(ConversationConfigSuite, TakesIdsInEitherCaseForTheSame) {
  const std::string tenant = "3F2504E0-4F89-41D3-9A0C-0305E82C3301";
  const std::string user = "9B2D7C10-0000-4000-8000-00000000000A";
  ASSERT_THAT(store_.setTenantConfig(tenant, {.merge_max_messages = 2}), IsOk());
  ASSERT_THAT(store_.setUserConfig(tenant, user, {.path_max_messages = 3}), IsOk());
  EXPECT_EQ(store_.getConfig(kTenant, kUser), store_.getConfig(tenant, user));
  EXPECT_EQ(store_.getConfig(kTenant, kUser)->path_max_messages, 3);
  EXPECT_EQ((*store_.getUserOverrides(kTenant, kUser))->user_id, kUser);
}

// B-6
TEST_P(ConversationConfigSuite, RefusesATenantThatIsNoUuid) {
  const auto refused =
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tenant_id is not a UUID"));
  for (const char* tenant : {"", "global", "3f2504e0-4f89-41d3-9a0c-0305e82c330g"}) {
    EXPECT_THAT(store_.getConfig(tenant), refused);
    EXPECT_THAT(store_.getConfig(tenant, kUser), refused) << "a user without a tenant";
    EXPECT_THAT(store_.getTenantOverrides(tenant), refused);
    EXPECT_THAT(store_.getUserOverrides(tenant, kUser), refused);
    EXPECT_THAT(store_.setTenantConfig(tenant, {}), refused);
    EXPECT_THAT(store_.setUserConfig(tenant, kUser, {}), refused);
    EXPECT_THAT(store_.deleteTenantConfig(tenant), refused);
    EXPECT_THAT(store_.deleteUserConfig(tenant, kUser), refused);
  }
}

// B-6
TEST_P(ConversationConfigSuite, RefusesAUserThatIsNoUuid) {
  const auto refused =
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("user_id is not a UUID"));
  for (const char* user : {"", "someone", "9b2d7c10-0000-4000-8000-00000000000a:"}) {
    EXPECT_THAT(store_.getConfig(kTenant, user), refused);
    EXPECT_THAT(store_.getUserOverrides(kTenant, user), refused);
    EXPECT_THAT(store_.setUserConfig(kTenant, user, {}), refused);
    EXPECT_THAT(store_.deleteUserConfig(kTenant, user), refused);
  }
}

TEST_P(ConversationConfigSuite, RefusesASettingOutOfItsRangeByItsName) {
  const auto expect_refused = [this](const Overrides& overrides, const char* field) {
    const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(field));
    EXPECT_THAT(store_.setGlobalConfig(overrides), refused);
    EXPECT_THAT(store_.setTenantConfig(kTenant, overrides), refused);
    EXPECT_THAT(store_.setUserConfig(kTenant, kUser, overrides), refused);
  };
  for (std::int32_t count : {0, -1, std::numeric_limits<std::int32_t>::min()}) {
    expect_refused({.merge_max_messages = count}, "merge_max_messages");
    expect_refused({.path_max_messages = count}, "path_max_messages");
    expect_refused({.path_sliding_window_size = count}, "path_sliding_window_size");
    expect_refused({.compaction_interval_minutes = count}, "compaction_interval_minutes");
  }
  for (double share : {0.0, -0.5, 1.0000001, std::numeric_limits<double>::infinity(),
                       std::numeric_limits<double>::quiet_NaN()}) {
    expect_refused({.path_compression_threshold = share}, "path_compression_threshold");
  }
  EXPECT_THAT(store_.getConfig(kTenant, kUser), IsOkAndHolds(ConversationConfig{}))
      << "nothing of it was stored";
  EXPECT_THAT(store_.setGlobalConfig({.path_compression_threshold = 1.0}), IsOk());
}

TEST_P(ConversationConfigSuite, IsHealthy) {
  EXPECT_EQ(store_.healthCheck().state, HealthState::kPass);
}

}  // namespace strata
