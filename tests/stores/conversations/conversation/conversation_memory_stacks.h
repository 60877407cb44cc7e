// The stacks that need no server.
#pragma once

#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

inline ConversationStack inMemory() {
  return {"InMemory", [] { return makeConversationStores(Config()); }};
}

inline ConversationStack cachingOverLruInMemory() {
  return {"CachingOverLruInMemory", [] {
            Config config;
            config.cache_provider = CacheProvider::kMemory;
            config.domain.enable_conversation_cache = true;
            return makeConversationStores(config);
          }};
}

}  // namespace strata
