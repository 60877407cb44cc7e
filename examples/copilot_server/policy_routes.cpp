// /v1/policy: the LLM policy of the caller's tenant.
#include "examples/copilot_server/application.h"
#include "examples/copilot_server/json_body.h"

namespace copilot {
namespace {

absl::StatusOr<Response> getPolicy(Service& service, const Call& call) {
  auto policy = service.policies->getPolicy(call.caller.tenant_id);
  if (!policy.ok()) return policy.status();
  if (*policy == nullptr) return absl::NotFoundError("the tenant has no policy");
  return jsonResponse(**policy);
}

absl::StatusOr<Response> putPolicy(Service& service, const Call& call) {
  auto policy = bodyOf<strata::TenantLlmPolicy>(call);
  if (!policy.ok()) return policy.status();
  policy->tenant_id = call.caller.tenant_id;
  policy->updated_by = call.user();
  auto version = service.policies->setPolicy(*policy);
  if (!version.ok()) return version.status();
  // As it was stored, with its time; and it proves that what is read from here on is no older.
  auto stored = service.policies->getPolicy(call.caller.tenant_id, {.min_version = *version});
  if (!stored.ok()) return stored.status();
  return jsonResponse(*stored == nullptr ? *policy : **stored);
}

absl::StatusOr<Response> deletePolicy(Service& service, const Call& call) {
  auto version = service.policies->deletePolicy(call.caller.tenant_id);
  if (!version.ok()) return version.status();
  return Response{.status = 204};
}

}  // namespace

void addPolicyRoutes(Router& router, Service& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const Call& call) { return handler(service, call); };
  };
  router.add({"GET", "/v1/policy", RouteCost::kRead, with(getPolicy)});
  router.add({"PUT", "/v1/policy", RouteCost::kWrite, with(putPolicy)});
  router.add({"DELETE", "/v1/policy", RouteCost::kWrite, with(deletePolicy)});
}

}  // namespace copilot
