#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "strata/records/json_codec.h"
#include "strata/stores/conversation_config/conversation_config.h"

namespace strata {
namespace {

// Every set of levels that sets the one field: the last of them wins, and no other field changes.
template <typename T>
void expectTheLastLevelWins(T ConversationConfig::*setting,
                            std::optional<T> ConversationConfigOverrides::*override,
                            const std::array<T, 3>& values) {
  for (unsigned levels = 0; levels < 8; ++levels) {
    ConversationConfig config;
    ConversationConfig expected;
    for (unsigned level = 0; level < 3; ++level) {
      ConversationConfigOverrides overrides;
      if ((levels & (1U << level)) != 0) {
        overrides.*override = values[level];
        expected.*setting = values[level];
      }
      config = applyOverrides(config, overrides);
    }
    EXPECT_EQ(config, expected) << "levels " << levels;
  }
}

using Config = ConversationConfig;
using Overrides = ConversationConfigOverrides;

TEST(ApplyOverrides, LetsTheLastLevelThatSetsAFieldWin) {
  using Merge = MergeCompressionStrategy;
  using Path = PathCompressionStrategy;
  expectTheLastLevelWins(&Config::merge_compression_strategy,
                         &Overrides::merge_compression_strategy,
                         {Merge::kNone, Merge::kMinimal, Merge::kAggressive});
  expectTheLastLevelWins(&Config::merge_max_messages, &Overrides::merge_max_messages, {1, 2, 3});
  expectTheLastLevelWins(&Config::merge_preserve_pinned, &Overrides::merge_preserve_pinned,
                         {false, true, false});
  expectTheLastLevelWins(&Config::path_compression_strategy, &Overrides::path_compression_strategy,
                         {Path::kNone, Path::kSemantic, Path::kHybrid});
  expectTheLastLevelWins(&Config::path_max_messages, &Overrides::path_max_messages, {1, 2, 3});
  expectTheLastLevelWins(&Config::path_sliding_window_size, &Overrides::path_sliding_window_size,
                         {1, 2, 3});
  expectTheLastLevelWins(&Config::path_compression_threshold,
                         &Overrides::path_compression_threshold, {0.1, 0.2, 1.0});
  expectTheLastLevelWins(&Config::auto_compact_enabled, &Overrides::auto_compact_enabled,
                         {false, true, false});
  expectTheLastLevelWins(&Config::compaction_interval_minutes,
                         &Overrides::compaction_interval_minutes, {1, 2, 3});
}

TEST(ApplyOverrides, KnowsEverySettingThatThereIs) {
  EXPECT_EQ(typeInfo<Config>().fields.size(), 9U) << "add the new one to the test above";
  for (const Field& setting : typeInfo<Config>().fields) {
    EXPECT_TRUE(std::ranges::any_of(typeInfo<Overrides>().fields, [&](const Field& field) {
      return field.name == setting.name && &field.type().element() == &setting.type();
    })) << setting.name;
  }
}

TEST(ConversationConfig, HasTheDocumentedDefaults) {
  EXPECT_EQ(encodeJson(Config{}),
            R"({"merge_compression_strategy":"moderate","merge_max_messages":100,)"
            R"("merge_preserve_pinned":true,"path_compression_strategy":"sliding_window",)"
            R"("path_max_messages":200,"path_sliding_window_size":50,)"
            R"("path_compression_threshold":0.85,"auto_compact_enabled":true,)"
            R"("compaction_interval_minutes":60})");
}

TEST(ConversationConfigOverrides, AreCachedUnderTheDocumentedKeys) {
  const auto key = [](const Overrides& overrides) {
    return Entity<Overrides>::keys.key("copilot", idOf(overrides));
  };
  EXPECT_EQ(key({}), "copilot:conv:config:global");
  EXPECT_EQ(key({.level = ConfigLevel::kTenant, .tenant_id = "t"}), "copilot:conv:config:t");
  EXPECT_EQ(key({.level = ConfigLevel::kUser, .tenant_id = "t", .user_id = "u"}),
            "copilot:conv:config:t:u");
}

}  // namespace
}  // namespace strata
