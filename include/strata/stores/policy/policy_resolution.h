// What a tenant's policy means for one request. A pure function: no store, no clock.
//
//   absl::StatusOr<ResolvedPolicy> resolved =
//       resolvePolicy(*policy, {.task = "summarise", .user_id = user});
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "strata/stores/policy/tenant_llm_policy.h"

namespace strata {

// The only provider that a tenant without remote egress may use.
inline constexpr std::string_view kLocalProvider = "local";

// What the request itself asks for. Everything may be left out.
struct PolicyRequest {
  std::string task;
  std::string user_id;
  std::optional<std::string> model;     // wins over the policy's
  std::optional<std::string> provider;  // of that model; none: the provider the policy gives
  std::optional<EgressMode> egress_mode;
};

struct ResolvedPolicy {
  std::string model;
  std::string provider;
  std::optional<double> temperature;
  std::optional<std::int32_t> max_tokens;
  EgressMode egress_mode = EgressMode::kEnforce;

  friend bool operator==(const ResolvedPolicy&, const ResolvedPolicy&) = default;
};

// Model and provider: the tenant's defaults, replaced by the task's policy, replaced by what the
// request names. Egress mode: `base_mode`, replaced by the tenant's, the user's and the request's
// in that order; an "off" that is not permitted (by the user's allow_off_mode, else the tenant's,
// else not) is passed over.
//
// FailedPrecondition: the policy forbids remote egress and the provider is not "local".
absl::StatusOr<ResolvedPolicy> resolvePolicy(const TenantLlmPolicy& policy,
                                             const PolicyRequest& request,
                                             EgressMode base_mode = EgressMode::kEnforce);

}  // namespace strata
