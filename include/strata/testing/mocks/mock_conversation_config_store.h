// MockConversationConfigStore: a ConversationConfigStore for the unit tests of whoever uses one.
//
//   MockConversationConfigStore configs;
//   EXPECT_CALL(configs, getConfig).WillOnce(Return(ConversationConfig{.path_max_messages = 10}));
//
// Not for: tests that want a store that works; makeConversationConfigStore over an InMemoryStore is
// one.
#pragma once

#include "gmock/gmock.h"
#include "strata/stores/conversation_config/conversation_config_store.h"

namespace strata::testing {

class MockConversationConfigStore : public ConversationConfigStore {
 public:
  using Overrides = ConversationConfigOverrides;

  MOCK_METHOD(absl::StatusOr<ConversationConfig>, getConfig,
              (std::string_view tenant_id, std::optional<std::string_view> user_id,
               const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Snapshot<Overrides>>, getGlobalOverrides, (const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Snapshot<Overrides>>, getTenantOverrides,
              (std::string_view tenant_id, const ReadOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<Snapshot<Overrides>>, getUserOverrides,
              (std::string_view tenant_id, std::string_view user_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Version>, setGlobalConfig,
              (const Overrides& overrides, const WriteOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<Version>, setTenantConfig,
              (std::string_view tenant_id, const Overrides& overrides, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Version>, setUserConfig,
              (std::string_view tenant_id, std::string_view user_id, const Overrides& overrides,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Version>, deleteGlobalConfig, (const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Version>, deleteTenantConfig,
              (std::string_view tenant_id, const WriteOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<Version>, deleteUserConfig,
              (std::string_view tenant_id, std::string_view user_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

}  // namespace strata::testing
