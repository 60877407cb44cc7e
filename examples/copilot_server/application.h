// Application: what every request goes through before and after its handler: who asks, how often
// they may, what is told of errors, what is counted.
#pragma once

#include <array>
#include <cstddef>

#include "examples/copilot_server/http_server.h"
#include "examples/copilot_server/identity.h"
#include "examples/copilot_server/router.h"
#include "examples/copilot_server/service.h"

namespace copilot {

// Thread-safe.
class Application {
 public:
  // `service` must outlive it.
  Application(Service& service, const Settings& settings);

  static Lane laneOf(const Request& request);
  // Never throws.
  Response handle(const Request& request);

 private:
  Response answer(const Request& request);
  Response probe(const Request& request);
  absl::StatusOr<strata::RateLimitDecision> checkLimits(const std::string& address,
                                                        const std::string& user, RouteCost cost);
  Response callHandler(const Route& route, const Call& call);
  void note(const Request& request, const Response& response, absl::Duration took);

  Service& service_;
  const bool log_requests_;
  const IdentityCheck identities_;
  Router router_;
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

}  // namespace copilot
