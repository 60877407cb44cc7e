#include "strata/stores/conversation_config/conversation_config.h"

namespace strata {
namespace {

template <typename T>
void replace(T& setting, const std::optional<T>& value) {
  if (value) setting = *value;
}

}  // namespace

Id Entity<ConversationConfigOverrides>::id(const ConversationConfigOverrides& overrides) {
  switch (overrides.level) {
    case ConfigLevel::kGlobal:
      return "global";
    case ConfigLevel::kTenant:
      return overrides.tenant_id.value_or("");
    case ConfigLevel::kUser:
      return {overrides.tenant_id.value_or(""), overrides.user_id.value_or("")};
  }
  return "";  // no level: an id that every store refuses
}

ConversationConfig applyOverrides(ConversationConfig config,
                                  const ConversationConfigOverrides& overrides) {
  replace(config.merge_compression_strategy, overrides.merge_compression_strategy);
  replace(config.merge_max_messages, overrides.merge_max_messages);
  replace(config.merge_preserve_pinned, overrides.merge_preserve_pinned);
  replace(config.path_compression_strategy, overrides.path_compression_strategy);
  replace(config.path_max_messages, overrides.path_max_messages);
  replace(config.path_sliding_window_size, overrides.path_sliding_window_size);
  replace(config.path_compression_threshold, overrides.path_compression_threshold);
  replace(config.auto_compact_enabled, overrides.auto_compact_enabled);
  replace(config.compaction_interval_minutes, overrides.compaction_interval_minutes);
  return config;
}

}  // namespace strata
