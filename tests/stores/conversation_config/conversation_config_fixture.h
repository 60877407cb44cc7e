// What the tests of conversation_config_suite.h start from.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/stores/conversation_config/conversation_config_store.h"
#include "strata/testing/status_matchers.h"

namespace strata {

// Two stores of the same rows: of two processes where these share a cache or have none, otherwise
// of one.
struct ConfigStores {
  std::unique_ptr<ConversationConfigStore> one;
  std::unique_ptr<ConversationConfigStore> other;
};

struct ConfigStack {
  std::string name;
  std::function<ConfigStores()> make;
};

inline std::string nameOfStack(const ::testing::TestParamInfo<ConfigStack>& stack) {
  return stack.param.name;
}

inline void PrintTo(const ConfigStack& stack, std::ostream* out) { *out << stack.name; }

using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;

class ConversationConfigSuite : public ::testing::TestWithParam<ConfigStack> {
 protected:
  using Overrides = ConversationConfigOverrides;

  static constexpr const char* kTenant = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
  static constexpr const char* kOtherTenant = "3f2504e0-4f89-41d3-9a0c-0305e82c3302";
  static constexpr const char* kUser = "9b2d7c10-0000-4000-8000-00000000000a";
  static constexpr const char* kOtherUser = "9b2d7c10-0000-4000-8000-00000000000b";

  void TearDown() override {
    EXPECT_THAT(store_.deleteGlobalConfig(), IsOk());
    for (const char* tenant : {kTenant, kOtherTenant}) {
      EXPECT_THAT(store_.deleteTenantConfig(tenant), IsOk());
      for (const char* user : {kUser, kOtherUser}) {
        EXPECT_THAT(store_.deleteUserConfig(tenant, user), IsOk());
      }
    }
  }

  static Overrides everything() {
    return {.merge_compression_strategy = MergeCompressionStrategy::kAggressive,
            .merge_max_messages = std::numeric_limits<std::int32_t>::max(),
            .merge_preserve_pinned = false,
            .path_compression_strategy = PathCompressionStrategy::kHybrid,
            .path_max_messages = 1,
            .path_sliding_window_size = 7,
            .path_compression_threshold = 0.1,
            .auto_compact_enabled = false,
            .compaction_interval_minutes = 5,
            .updated_by = "größte Verwalterin 🎉'; DROP TABLE conversation_configs; --"};
  }

  // The path_max_messages of everybody who depends on the levels: tenant, its users, another one.
  static std::vector<std::int32_t> pathsOfEverybody(ConversationConfigStore& store) {
    std::vector<std::int32_t> paths;
    for (const char* tenant : {kTenant, kOtherTenant}) {
      for (std::optional<std::string_view> user :
           {std::optional<std::string_view>(), std::optional<std::string_view>(kUser),
            std::optional<std::string_view>(kOtherUser)}) {
        const auto config = store.getConfig(tenant, user);
        EXPECT_THAT(config, IsOk());
        paths.push_back(config.ok() ? config->path_max_messages : 0);
      }
    }
    return paths;
  }
  // What both stores answer, when they agree.
  std::vector<std::int32_t> pathsOfEverybody() {
    EXPECT_EQ(pathsOfEverybody(store_), pathsOfEverybody(other_));
    return pathsOfEverybody(store_);
  }

  const ConfigStores stores_ = GetParam().make();
  ConversationConfigStore& store_ = *stores_.one;
  ConversationConfigStore& other_ = *stores_.other;
};

}  // namespace strata
