// /admin: what operators do, with the secret of ADMIN_SECRET.
#include <optional>
#include <string>

#include "examples/copilot_server/application.h"
#include "examples/copilot_server/json_body.h"

namespace copilot {
namespace {

// One of them.
struct InvalidationBody {
  std::optional<std::string> key;
  std::optional<std::string> owner;
  std::optional<std::string> domain;
  std::optional<bool> everything;
};
BOOST_DESCRIBE_STRUCT(InvalidationBody, (), (key, owner, domain, everything))

struct InvalidationView {
  std::uint64_t scanned = 0;
  std::uint64_t removed = 0;
  std::uint64_t failed = 0;
};
BOOST_DESCRIBE_STRUCT(InvalidationView, (), (scanned, removed, failed))

constexpr absl::Duration kMaxTime = absl::Seconds(30);

absl::StatusOr<Response> invalidate(Service& service, const Call& call) {
  auto body = bodyOf<InvalidationBody>(call);
  if (!body.ok()) return body.status();
  const bool everything = body->everything.value_or(false);
  const int named =
      (body->key ? 1 : 0) + (body->owner ? 1 : 0) + (body->domain ? 1 : 0) + (everything ? 1 : 0);
  if (named != 1) {
    return absl::InvalidArgumentError("the body has one of key, owner, domain, everything");
  }
  if (!service.admin) return absl::FailedPreconditionError("nothing is cached here");
  const strata::InvalidationOptions options{.deadline = strata::Deadline::in(kMaxTime)};
  strata::InvalidationReport report;
  if (body->key) report = service.admin->invalidateKey(*body->key, options);
  if (body->owner) report = service.admin->invalidateOwner(*body->owner, options);
  if (body->domain) report = service.admin->invalidateDomain(*body->domain, options);
  if (everything) report = service.admin->invalidateApp(options);
  if (!report.status.ok()) return report.status;
  return jsonResponse(InvalidationView{report.scanned, report.removed, report.failed});
}

}  // namespace

void addAdminRoutes(Router& router, Service& service) {
  router.add({"POST", "/admin/cache/invalidate", RouteCost::kAdmin,
              [&service](const Call& call) { return invalidate(service, call); }});
}

}  // namespace copilot
