// The stacks of the conversation stores on real servers.
#pragma once

#include "strata/testing/servers/local_servers.h"
#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

inline Config postgresOnly() {
  Config config;
  config.database_url = testing::sharedServers().postgres().url();
  config.domain.enable_conversation_cache = true;
  return config;
}

inline Config postgresAndLru() {
  Config config = postgresOnly();
  config.cache_provider = CacheProvider::kMemory;
  return config;
}

inline Config postgresAndRedis() {
  Config config = postgresOnly();
  config.cache_url = testing::sharedServers().redis().url();
  return config;
}

inline ConversationStack onServers(std::string name, Config (*config)()) {
  return {std::move(name), [config] { return makeConversationStores(config()); }};
}

inline ConversationStack onPostgres() { return onServers("Postgres", postgresOnly); }
inline ConversationStack onPostgresAndLru() {
  return onServers("PostgresCachingOverLru", postgresAndLru);
}
inline ConversationStack onPostgresAndRedis() {
  return onServers("PostgresCachingOverRedis", postgresAndRedis);
}

}  // namespace strata
