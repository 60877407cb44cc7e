#include "strata/factories/conversation_config_store_factory.h"

#include <utility>

#include "factories/domain_backends.h"
#include "strata/factories/store_factory.h"
#include "strata/stores/conversation_config/conversation_config_migrations.h"

namespace strata {

absl::StatusOr<std::unique_ptr<ConversationConfigStore>> createConversationConfigStore(
    const Backends& backends, const ConversationConfigStoreOptions& options) {
  const absl::Status migrated = internal::migrateDomain(backends, conversationConfigMigrations(),
                                                        "the conversation config store");
  if (!migrated.ok()) return migrated;
  const Config& config = backends.config;
  auto overrides = internal::createDomainStore<ConversationConfigOverrides>(
      backends, {.cache_ttl = config.domain.config_ttl,
                 .negative_cache_ttl = config.domain.config_ttl,
                 .cache_failure_tier = options.cache_failure_tier,
                 .enable_cache = config.domain.enable_conversation_config_cache,
                 .schema = SchemaPolicy::kVerify});
  if (!overrides.ok()) return overrides.status();
  return makeConversationConfigStore(*std::move(overrides), *backends.clock);
}

absl::StatusOr<std::unique_ptr<ConversationConfigStore>> createConversationConfigStore(
    const Config& config, const ConversationConfigStoreOptions& options) {
  auto backends = connect(config);
  if (!backends.ok()) return backends.status();
  return createConversationConfigStore(*backends, options);
}

}  // namespace strata
