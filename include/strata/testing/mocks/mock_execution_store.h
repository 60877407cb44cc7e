// MockExecutionStore: an ExecutionStore for the unit tests of whoever uses one.
//
//   MockExecutionStore executions;
//   EXPECT_CALL(executions, createContext)
//       .WillOnce(Return(CreatedExecutionContext{.context = context, .created = true}));
//
// Not for: tests that want a store that works; createExecutionStore(Config()) is one in memory.
#pragma once

#include "gmock/gmock.h"
#include "strata/stores/conversations/execution/execution_store.h"

namespace strata::testing {

class MockExecutionStore : public ExecutionStore {
 public:
  MOCK_METHOD(absl::StatusOr<CreatedExecutionContext>, createContext,
              (const NewExecutionContext& context, const WriteOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<ExecutionContext>, getContext,
              (std::string_view tenant_id, std::string_view id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::optional<ExecutionContext>>, getContextByPath,
              (std::string_view tenant_id, std::string_view conversation_id,
               std::string_view path_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<ExecutionContext>, touchContext,
              (std::string_view tenant_id, std::string_view id, std::optional<absl::Duration> ttl,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<ExecutionContext>, updateStatus,
              (std::string_view tenant_id, std::string_view id, const SandboxUpdate& update,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<ExecutionContext>, terminateContext,
              (std::string_view tenant_id, std::string_view id, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<ExecutionContext>>, getExpiredContexts,
              (std::string_view tenant_id, std::int64_t limit, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::int64_t>, purgeTerminated,
              (std::string_view tenant_id, absl::Duration age, std::int64_t limit,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

}  // namespace strata::testing
