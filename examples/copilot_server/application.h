// Application: what every request goes through before and after its handler: who asks, how often
// they may, what is told of errors, what is counted.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "examples/copilot_server/http_server.h"
#include "examples/copilot_server/identity.h"
#include "examples/copilot_server/router.h"
#include "examples/copilot_server/service.h"
#include "examples/copilot_server/user_warming.h"

namespace copilot {

// Thread-safe.
class Application {
 public:
  // `service` must outlive it.
  Application(Service& service, const Settings& settings);

  static Lane laneOf(const Request& request);
  // By the head of a request: whether there is such a route, who asks, and how often they may. Neither
  // it nor what it returns throws.
  Admission admit(const Request& request);

 private:
  // The caller of a route and where in it, for when the body is there.
  struct Admitted {
    const Route* route;
    std::vector<std::string> arguments;
    Identity identity;
    std::vector<std::pair<std::string, std::string>> headers;
  };
  Admission judge(const Request& request);
  Admission judgeRoute(const Request& request, Router::Match match);
  Response probe(const Request& request);
  // Unauthenticated: not an operator.
  absl::StatusOr<Identity> identify(const Request& request, const Route& route) const;
  // `user`: null where it is not known.
  absl::StatusOr<strata::RateLimitDecision> checkLimits(const std::string& address,
                                                        const std::string* user, RouteCost cost);
  Response callHandler(const Admitted& admitted, const Request& request);
  void note(const Request& request, const Response& response, absl::Duration took);

  Service& service_;
  const bool log_requests_;
  const bool has_probes_;
  const IdentityCheck identities_;
  const strata::Secret admin_secret_;
  Router router_;
  UserWarming warming_;
  // By the first digit of the status.
  std::array<strata::Counter*, 6> responses_{};
  strata::Histogram& durations_;
};

// One for each group of routes.
void addPolicyRoutes(Router& router, Service& service);
void addConversationRoutes(Router& router, Service& service);
void addMessageRoutes(Router& router, Service& service);
void addEventRoutes(Router& router, Service& service);
void addContextRoutes(Router& router, Service& service);
void addPathRoutes(Router& router, Service& service);
void addConfigRoutes(Router& router, Service& service);
void addAdminRoutes(Router& router, Service& service);

}  // namespace copilot
