// What a chat back end does with the conversation settings: an administrator sets them at the level
// that they are for, and every conversation reads what is in force.
#include <iostream>

#include "strata/factories/conversation_config_store_factory.h"
#include "strata/strata.h"

// Whether a path of this length is to be shortened now.
absl::StatusOr<bool> needsCompaction(strata::ConversationConfigStore& configs,
                                     const std::string& tenant, const std::string& user,
                                     int messages) {
  auto config = configs.getConfig(tenant, user);
  if (!config.ok()) return config.status();
  return config->auto_compact_enabled &&
         messages > config->path_max_messages * config->path_compression_threshold;
}

absl::Status configure(strata::ConversationConfigStore& configs, const std::string& tenant,
                       const std::string& user) {
  auto version = configs.setGlobalConfig({.path_max_messages = 100, .updated_by = "operations"});
  if (!version.ok()) return version.status();
  version = configs.setTenantConfig(tenant, {.path_compression_threshold = 0.5});
  if (!version.ok()) return version.status();
  return configs.setUserConfig(tenant, user, {.auto_compact_enabled = true}).status();
}

absl::Status run() {
  auto config = strata::configFromEnv();
  if (!config.ok()) return config.status();
  auto configs = strata::createConversationConfigStore(*config);
  if (!configs.ok()) return configs.status();

  const std::string tenant = "6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11";
  const std::string user = "0f6a1b52-7a3e-4c39-8a54-5b1f6c1d2e3f";
  if (absl::Status status = configure(**configs, tenant, user); !status.ok()) return status;

  auto needed = needsCompaction(**configs, tenant, user, 60);
  if (!needed.ok()) return needed.status();
  std::cout << "60 messages are " << (*needed ? "" : "not ") << "to be compacted\n";
  return absl::OkStatus();
}

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
