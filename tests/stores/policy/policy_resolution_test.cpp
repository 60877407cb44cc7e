#include "strata/stores/policy/policy_resolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/records/json_codec.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using testing::StatusIs;

TenantLlmPolicy policyWithTask() {
  return {.tenant_id = "t",
          .default_model = "m0",
          .default_provider = "openai",
          .tasks = {{.task = "chat",
                     .model = "m1",
                     .provider = "local",
                     .temperature = 0.5,
                     .max_tokens = 100}}};
}

EgressMode egressOf(const TenantLlmPolicy& policy, const PolicyRequest& request,
                    EgressMode base = EgressMode::kEnforce) {
  return resolvePolicy(policy, request, base)->egress_mode;
}

TEST(ResolvePolicy, TakesTheDefaultsForATaskWithoutAPolicy) {
  EXPECT_THAT(resolvePolicy(policyWithTask(), {.task = "other"}),
              IsOkAndHolds(ResolvedPolicy{.model = "m0", .provider = "openai"}));
}

TEST(ResolvePolicy, TakesTheTaskOverTheDefaults) {
  EXPECT_THAT(resolvePolicy(policyWithTask(), {.task = "chat"}),
              IsOkAndHolds(ResolvedPolicy{
                  .model = "m1", .provider = "local", .temperature = 0.5, .max_tokens = 100}));
}

TEST(ResolvePolicy, TakesTheModelOfTheRequestOverTheTask) {
  const auto resolved = resolvePolicy(policyWithTask(), {.task = "chat", .model = "m9"});
  EXPECT_EQ(resolved->model, "m9");
  EXPECT_EQ(resolved->provider, "local");
  EXPECT_EQ(
      resolvePolicy(policyWithTask(), {.task = "chat", .model = "m9", .provider = "p"})->provider,
      "p");
}

TEST(ResolvePolicy, AllowsOnlyTheLocalProviderWithoutRemoteEgress) {
  TenantLlmPolicy policy = policyWithTask();
  policy.allow_remote_egress = false;
  EXPECT_TRUE(resolvePolicy(policy, {.task = "chat"}).ok());
  const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("remote egress"));
  EXPECT_THAT(resolvePolicy(policy, {.task = "other"}), refused);
  EXPECT_THAT(resolvePolicy(policy, {.task = "chat", .provider = "openai"}), refused);
}

TEST(ResolvePolicy, LetsEachLevelReplaceTheEgressModeBeforeIt) {
  TenantLlmPolicy policy = policyWithTask();
  EXPECT_EQ(egressOf(policy, {}, EgressMode::kReportOnly), EgressMode::kReportOnly);
  policy.egress_mode = EgressMode::kEnforce;
  EXPECT_EQ(egressOf(policy, {}, EgressMode::kReportOnly), EgressMode::kEnforce);
  policy.user_policies["u"] = {.egress_mode = EgressMode::kReportOnly};
  EXPECT_EQ(egressOf(policy, {.user_id = "u"}), EgressMode::kReportOnly);
  EXPECT_EQ(egressOf(policy, {.user_id = "someone else"}), EgressMode::kEnforce);
  EXPECT_EQ(egressOf(policy, {.user_id = "u", .egress_mode = EgressMode::kEnforce}),
            EgressMode::kEnforce);
}

TEST(ResolvePolicy, PassesOverAnOffThatIsNotPermitted) {
  TenantLlmPolicy policy = policyWithTask();
  policy.egress_mode = EgressMode::kOff;
  EXPECT_EQ(egressOf(policy, {}), EgressMode::kEnforce);
  EXPECT_EQ(egressOf(policy, {.egress_mode = EgressMode::kOff}), EgressMode::kEnforce);
  policy.allow_off_mode = true;
  EXPECT_EQ(egressOf(policy, {}), EgressMode::kOff);
}

TEST(ResolvePolicy, LetsTheUsersPermissionWinOverTheTenants) {
  TenantLlmPolicy policy = policyWithTask();
  policy.allow_off_mode = true;
  policy.user_policies["no"] = {.allow_off_mode = false};
  EXPECT_EQ(egressOf(policy, {.user_id = "no", .egress_mode = EgressMode::kOff}),
            EgressMode::kEnforce);
  policy.allow_off_mode = false;
  policy.user_policies["yes"] = {.egress_mode = EgressMode::kOff, .allow_off_mode = true};
  EXPECT_EQ(egressOf(policy, {.user_id = "yes"}), EgressMode::kOff);
}

TEST(TenantLlmPolicy, StoresEgressModesUnderTheirOwnNames) {
  EXPECT_THAT(encodeJson(UserPolicy{.egress_mode = EgressMode::kReportOnly}),
              HasSubstr(R"("egress_mode":"report-only")"));
}

}  // namespace
}  // namespace strata
