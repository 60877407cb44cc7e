// What every PolicyStore does, on whatever it stands. Instantiated per stack by the files beside
// this one.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "strata/stores/policy/policy_store.h"
#include "strata/testing/status_matchers.h"

namespace strata {

struct PolicyStack {
  std::string name;
  // A store, and a fresh tenant space for it.
  std::function<std::unique_ptr<PolicyStore>()> make;
};

inline std::string nameOfStack(const ::testing::TestParamInfo<PolicyStack>& stack) {
  return stack.param.name;
}

inline void PrintTo(const PolicyStack& stack, std::ostream* out) { *out << stack.name; }

class PolicyStoreSuite : public ::testing::TestWithParam<PolicyStack> {
 protected:
  static constexpr const char* kTenant = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
  static constexpr const char* kOther = "3f2504e0-4f89-41d3-9a0c-0305e82c3302";

  void TearDown() override {
    for (const char* tenant : {kTenant, kOther}) {
      EXPECT_THAT(store_->deletePolicy(tenant), testing::IsOk());
    }
  }

  static TenantLlmPolicy fullPolicy() {
    return {.tenant_id = kTenant,
            .default_model = "größte Ausführung 🎉",
            .default_provider = "local",
            .allow_remote_egress = false,
            .tasks = {{.task = "chat",
                       .model = "m1",
                       .provider = "p1",
                       .temperature = 0.1,
                       .max_tokens = std::numeric_limits<std::int32_t>::max()},
                      {.task = "'; DROP TABLE tenant_llm_policies; --",
                       .model = "m2",
                       .provider = "p2"}},
            .egress_mode = EgressMode::kReportOnly,
            .allow_off_mode = true,
            .user_policies = {{"user:1 %*", {.egress_mode = EgressMode::kOff}},
                              {"u2", {.allow_off_mode = false}}},
            .updated_by = "an administrator"};
  }

  const std::unique_ptr<PolicyStore> store_ = GetParam().make();
};

using testing::IsOk;
using testing::StatusIs;

// B-1
TEST_P(PolicyStoreSuite, AnswersNullForATenantWithoutAPolicy) {
  const auto policy = store_->getPolicy(kTenant);
  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(*policy, nullptr);
}

// B-7
TEST_P(PolicyStoreSuite, RoundTripsEveryFieldAndStampsTheTime) {
  const Timestamp before = Clock::system().wallTime();
  ASSERT_THAT(store_->setPolicy(fullPolicy()), IsOk());
  for (int i = 0; i < 2; ++i) {  // from the database, then from the cache where there is one
    const auto policy = store_->getPolicy(kTenant);
    ASSERT_THAT(policy, IsOk());
    ASSERT_NE(*policy, nullptr);
    TenantLlmPolicy expected = fullPolicy();
    expected.updated_at = (*policy)->updated_at;
    EXPECT_EQ(**policy, expected);
    EXPECT_GE((*policy)->updated_at, before);
    EXPECT_LE((*policy)->updated_at, Clock::system().wallTime());
  }
}

// B-2
TEST_P(PolicyStoreSuite, ReplacesTheWholePolicy) {
  ASSERT_THAT(store_->setPolicy(fullPolicy()), IsOk());
  ASSERT_THAT(store_->getPolicy(kTenant), IsOk());
  const auto version =
      store_->setPolicy({.tenant_id = kTenant, .default_model = "m", .default_provider = "p"});
  ASSERT_THAT(version, IsOk());
  const auto policy = store_->getPolicy(kTenant);
  ASSERT_THAT(policy, IsOk());
  EXPECT_TRUE((*policy)->tasks.empty());
  EXPECT_TRUE((*policy)->user_policies.empty());
  EXPECT_EQ((*policy)->egress_mode, std::nullopt);
  EXPECT_EQ((*policy)->updated_by, std::nullopt);
  EXPECT_EQ(policy->version(), *version);
}

// B-3
TEST_P(PolicyStoreSuite, DeletesAPolicyAndTakesDeletingNothingForSuccess) {
  ASSERT_THAT(store_->setPolicy(fullPolicy()), IsOk());
  ASSERT_THAT(store_->getPolicy(kTenant), IsOk());
  ASSERT_THAT(store_->deletePolicy(kTenant), IsOk());
  EXPECT_EQ(*store_->getPolicy(kTenant), nullptr);
  EXPECT_THAT(store_->deletePolicy(kTenant), IsOk());
}

// B-81
TEST_P(PolicyStoreSuite, KeepsTenantsApart) {
  ASSERT_THAT(store_->setPolicy(fullPolicy()), IsOk());
  EXPECT_EQ(*store_->getPolicy(kOther), nullptr);
  ASSERT_THAT(store_->deletePolicy(kOther), IsOk());
  EXPECT_NE(*store_->getPolicy(kTenant), nullptr);
}

TEST_P(PolicyStoreSuite, TakesATenantInEitherCaseForTheSame) {
  TenantLlmPolicy policy = fullPolicy();
  policy.tenant_id = "3F2504E0-4F89-41D3-9A0C-0305E82C3301";
  ASSERT_THAT(store_->setPolicy(policy), IsOk());
  EXPECT_EQ((*store_->getPolicy(kTenant))->tenant_id, kTenant);
  EXPECT_NE(*store_->getPolicy(policy.tenant_id), nullptr);
}

// B-6
TEST_P(PolicyStoreSuite, RefusesATenantThatIsNoUuid) {
  const auto refused =
      StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("tenant_id is not a UUID"));
  for (const char* tenant :
       {"", "acme", "3f2504e0-4f89-41d3-9a0c-0305e82c330", "3f2504e0-4f89-41d3-9a0c-0305e82c33012",
        "3f2504e04f8941d39a0c0305e82c3301", "3f2504e0-4f89-41d3-9a0c-0305e82c330g"}) {
    EXPECT_THAT(store_->getPolicy(tenant), refused);
    EXPECT_THAT(store_->deletePolicy(tenant), refused);
    TenantLlmPolicy policy = fullPolicy();
    policy.tenant_id = tenant;
    EXPECT_THAT(store_->setPolicy(policy), refused);
  }
}

TEST_P(PolicyStoreSuite, RefusesAPolicyThatCannotBeResolved) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  TenantLlmPolicy policy = fullPolicy();
  policy.tasks.push_back({.task = "chat", .model = "m", .provider = "p"});
  EXPECT_THAT(store_->setPolicy(policy), refused) << "a task twice";
  policy = fullPolicy();
  policy.tasks[0].task = "";
  EXPECT_THAT(store_->setPolicy(policy), refused) << "a task without a name";
  policy = fullPolicy();
  policy.default_model = "";
  EXPECT_THAT(store_->setPolicy(policy), refused) << "no default model";
  policy = fullPolicy();
  policy.default_provider = "";
  EXPECT_THAT(store_->setPolicy(policy), refused) << "no default provider";
  policy = fullPolicy();
  policy.tasks[0].temperature = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(store_->setPolicy(policy), refused) << "a temperature that is no number";
  EXPECT_EQ(*store_->getPolicy(kTenant), nullptr) << "nothing of it was stored";
}

// B-8
TEST_P(PolicyStoreSuite, LeavesASnapshotAsItIsWhateverIsStoredLater) {
  ASSERT_THAT(store_->setPolicy(fullPolicy()), IsOk());
  const auto held = store_->getPolicy(kTenant);
  ASSERT_THAT(held, IsOk());
  ASSERT_THAT(
      store_->setPolicy({.tenant_id = kTenant, .default_model = "m", .default_provider = "p"}),
      IsOk());
  EXPECT_EQ((*held)->default_model, fullPolicy().default_model);
}

TEST_P(PolicyStoreSuite, IsHealthy) { EXPECT_EQ(store_->healthCheck().state, HealthState::kPass); }

}  // namespace strata
