// MockContextStore: a ContextStore for the unit tests of whoever uses one.
//
//   MockContextStore contexts;
//   EXPECT_CALL(contexts, load).WillOnce(Return(ConversationContext{.active_node_ids =
//   {"orders"}}));
//
// Not for: tests that want a store that works; createContextStore(Config()) is one in memory.
#pragma once

#include "gmock/gmock.h"
#include "strata/stores/conversations/context/context_store.h"

namespace strata::testing {

class MockContextStore : public ContextStore {
 public:
  MOCK_METHOD(absl::StatusOr<std::optional<ConversationContext>>, load,
              (std::string_view tenant_id, std::string_view conversation_id,
               const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<ConversationContext>, save,
              (std::string_view tenant_id, const ConversationContext& context,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<ConversationContext>, mergeActiveNodeIds,
              (std::string_view tenant_id, std::string_view conversation_id,
               const std::vector<std::string>& node_ids, const WriteOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

}  // namespace strata::testing
