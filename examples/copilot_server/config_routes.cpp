// /v1/config: how long conversations are kept short, for the caller and by level.
#include <string>

#include "examples/copilot_server/application.h"
#include "examples/copilot_server/json_body.h"

namespace copilot {
namespace {

using Overrides = strata::ConversationConfigOverrides;

absl::StatusOr<Response> getConfig(Service& service, const Call& call) {
  auto config = service.configs->getConfig(call.caller.tenant_id, call.user());
  if (!config.ok()) return config.status();
  return jsonResponse(*config);
}

absl::StatusOr<Overrides> overridesOf(const Call& call) {
  auto overrides = bodyOf<Overrides>(call);
  if (overrides.ok()) overrides->updated_by = call.user();
  return overrides;
}

// What applies to the caller from now on.
absl::StatusOr<Response> changed(Service& service, const Call& call,
                                 const absl::StatusOr<strata::Version>& version) {
  if (!version.ok()) return version.status();
  auto config =
      service.configs->getConfig(call.caller.tenant_id, call.user(), {.min_version = *version});
  if (!config.ok()) return config.status();
  return jsonResponse(*config);
}

absl::StatusOr<Response> putTenant(Service& service, const Call& call) {
  auto overrides = overridesOf(call);
  if (!overrides.ok()) return overrides.status();
  return changed(service, call,
                 service.configs->setTenantConfig(call.caller.tenant_id, *overrides));
}

absl::StatusOr<Response> deleteTenant(Service& service, const Call& call) {
  return changed(service, call, service.configs->deleteTenantConfig(call.caller.tenant_id));
}

absl::StatusOr<Response> putUser(Service& service, const Call& call) {
  auto overrides = overridesOf(call);
  if (!overrides.ok()) return overrides.status();
  return changed(service, call,
                 service.configs->setUserConfig(call.caller.tenant_id, call.user(), *overrides));
}

absl::StatusOr<Response> deleteUser(Service& service, const Call& call) {
  return changed(service, call,
                 service.configs->deleteUserConfig(call.caller.tenant_id, call.user()));
}

}  // namespace

void addConfigRoutes(Router& router, Service& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const Call& call) { return handler(service, call); };
  };
  router.add({"GET", "/v1/config", RouteCost::kRead, with(getConfig)});
  router.add({"PUT", "/v1/config", RouteCost::kWrite, with(putTenant)});
  router.add({"DELETE", "/v1/config", RouteCost::kWrite, with(deleteTenant)});
  router.add({"PUT", "/v1/me/config", RouteCost::kWrite, with(putUser)});
  router.add({"DELETE", "/v1/me/config", RouteCost::kWrite, with(deleteUser)});
}

}  // namespace copilot
