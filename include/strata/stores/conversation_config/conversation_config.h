// ConversationConfig: how long conversations are kept short. What applies to a caller, and the
// sparse overrides of the levels that it is made of: defaults < global < tenant < user, field by
// field.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "strata/base/timestamp.h"
#include "strata/records/entity.h"
#include "strata/records/text_limits.h"

namespace strata {

// How much of a branch that is merged is kept.
enum class MergeCompressionStrategy : std::uint8_t { kNone, kMinimal, kModerate, kAggressive };
BOOST_DESCRIBE_ENUM(MergeCompressionStrategy, kNone, kMinimal, kModerate, kAggressive)

// How a path that has become too long is shortened.
enum class PathCompressionStrategy : std::uint8_t { kNone, kSlidingWindow, kSemantic, kHybrid };
BOOST_DESCRIBE_ENUM(PathCompressionStrategy, kNone, kSlidingWindow, kSemantic, kHybrid)

// The settings in force. A default member initialiser is the setting's default.
struct ConversationConfig {
  MergeCompressionStrategy merge_compression_strategy = MergeCompressionStrategy::kModerate;
  std::int32_t merge_max_messages = 100;  // at least 1
  bool merge_preserve_pinned = true;
  PathCompressionStrategy path_compression_strategy = PathCompressionStrategy::kSlidingWindow;
  std::int32_t path_max_messages = 200;        // at least 1
  std::int32_t path_sliding_window_size = 50;  // in messages, at least 1
  double path_compression_threshold = 0.85;    // above 0, at most 1
  bool auto_compact_enabled = true;
  std::int32_t compaction_interval_minutes = 60;  // at least 1

  friend bool operator==(const ConversationConfig&, const ConversationConfig&) = default;
};
BOOST_DESCRIBE_STRUCT(ConversationConfig, (),
                      (merge_compression_strategy, merge_max_messages, merge_preserve_pinned,
                       path_compression_strategy, path_max_messages, path_sliding_window_size,
                       path_compression_threshold, auto_compact_enabled,
                       compaction_interval_minutes))

// Whom overrides are for; each level wins over those before it.
enum class ConfigLevel : std::uint8_t { kGlobal, kTenant, kUser };
BOOST_DESCRIBE_ENUM(ConfigLevel, kGlobal, kTenant, kUser)

// What one level says in place of the levels below it. A setting that is absent is theirs.
struct ConversationConfigOverrides {
  // Whom they are for, and when they were set: written by the store, whatever the caller says.
  ConfigLevel level = ConfigLevel::kGlobal;
  std::optional<std::string> tenant_id;  // of a tenant and of a user
  std::optional<std::string> user_id;    // of a user

  std::optional<MergeCompressionStrategy> merge_compression_strategy;
  std::optional<std::int32_t> merge_max_messages;
  std::optional<bool> merge_preserve_pinned;
  std::optional<PathCompressionStrategy> path_compression_strategy;
  std::optional<std::int32_t> path_max_messages;
  std::optional<std::int32_t> path_sliding_window_size;
  std::optional<double> path_compression_threshold;
  std::optional<bool> auto_compact_enabled;
  std::optional<std::int32_t> compaction_interval_minutes;

  Timestamp updated_at;
  std::optional<std::string> updated_by;  // the caller's

  friend bool operator==(const ConversationConfigOverrides&,
                         const ConversationConfigOverrides&) = default;
};
BOOST_DESCRIBE_STRUCT(ConversationConfigOverrides, (),
                      (level, tenant_id, user_id, merge_compression_strategy, merge_max_messages,
                       merge_preserve_pinned, path_compression_strategy, path_max_messages,
                       path_sliding_window_size, path_compression_threshold, auto_compact_enabled,
                       compaction_interval_minutes, updated_at, updated_by))

template <>
struct Entity<ConversationConfigOverrides> {
  static constexpr auto table = "conversation_configs";
  static constexpr KeySpace keys{"conv", "config"};
  // "global", {tenant} or {tenant, user}. Tenants are UUIDs, so none of them is called "global".
  static Id id(const ConversationConfigOverrides& overrides);
};

// `config` with every setting that `overrides` has in place of its own. A pure function.
ConversationConfig applyOverrides(ConversationConfig config,
                                  const ConversationConfigOverrides& overrides);

template <>
struct TextLimits<ConversationConfigOverrides> {
  static constexpr std::array<TextLimit, 1> all{{{"updated_by", kMaxName}}};
};

}  // namespace strata
