// MockPolicyStore: a PolicyStore for the unit tests of whoever uses one.
//
//   MockPolicyStore policies;
//   EXPECT_CALL(policies, getPolicy("6ad5…", _)).WillOnce(Return(makeSnapshot(policy)));
//
// Not for: tests that want a store that works; makePolicyStore over an InMemoryStore is one.
#pragma once

#include "gmock/gmock.h"
#include "strata/stores/policy/policy_store.h"

namespace strata::testing {

class MockPolicyStore : public PolicyStore {
 public:
  MOCK_METHOD(absl::StatusOr<Snapshot<TenantLlmPolicy>>, getPolicy,
              (std::string_view tenant_id, const ReadOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<Version>, setPolicy,
              (const TenantLlmPolicy& policy, const WriteOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<Version>, deletePolicy,
              (std::string_view tenant_id, const WriteOptions& options), (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

}  // namespace strata::testing
