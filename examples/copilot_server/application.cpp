#include "examples/copilot_server/application.h"

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "examples/copilot_server/errors.h"
#include "strata/base/logging.h"

namespace copilot {
namespace {

bool isProbe(std::string_view path) {
  return path == "/readyz" || path.substr(0, 8) == "/readyz/" || path == "/healthz" ||
         path == "/metrics" || path == "/statusz";
}

Response tooManyRequests() {
  return errorResponse(429, "rate_limited",
                       "too many requests; Retry-After says when to try again");
}

}  // namespace

Application::Application(Service& service, const Settings& settings)
    : service_(service),
      log_requests_(settings.log_requests),
      identities_(settings.identity),
      durations_(service.metrics->histogram("copilot_server_request_seconds", {})) {
  for (std::size_t i = 1; i < responses_.size(); ++i) {
    responses_[i] = &service.metrics->counter("copilot_server_responses_total",
                                              {{"status", std::to_string(i) + "xx"}});
  }
  addPolicyRoutes(router_, service);
  addConversationRoutes(router_, service);
  addMessageRoutes(router_, service);
  addEventRoutes(router_, service);
  addContextRoutes(router_, service);
}

Lane Application::laneOf(const Request& request) {
  if (request.path == "/livez" || request.path.empty()) return Lane::kAtOnce;
  return isProbe(request.path) ? Lane::kProbes : Lane::kWork;
}

Response Application::handle(const Request& request) {
  const strata::MonotonicTime began = strata::Clock::system().now();
  Response response;
  try {
    response = answer(request);
  } catch (const std::exception&) {
    response = errorResponse(absl::InternalError("a handler threw an exception"));
  }
  note(request, response, strata::Clock::system().now() - began);
  return response;
}

void Application::note(const Request& request, const Response& response, absl::Duration took) {
  responses_[static_cast<std::size_t>(response.status) / 100]->increment();
  if (response.stream == nullptr) durations_.record(took);
  if (!log_requests_) return;
  strata::log(strata::Severity::kDebug, "copilot_server.request",
              {{"method", request.method},
               {"path", request.path},
               {"status", std::to_string(response.status)},
               {"took", absl::FormatDuration(took)}});
}

Response Application::probe(const Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = errorResponse(405, "method_not_allowed", "a probe is asked with GET");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  strata::ProbeAnswer answer = service_.probes->answer(request.target);
  return {.status = answer.status,
          .body = std::move(answer.body),
          .content_type = std::move(answer.content_type),
          .headers = std::move(answer.headers)};
}

Response Application::answer(const Request& request) {
  if (request.path.empty()) return errorResponse(400, "bad_request", "the URL cannot be read");
  if (laneOf(request) != Lane::kWork) return probe(request);
  Router::Match match = router_.find(request.method, request.path);
  if (match.route == nullptr && match.allowed_methods.empty()) {
    return errorResponse(404, "not_found", "there is nothing at this path");
  }
  if (match.route == nullptr) {
    Response response =
        errorResponse(405, "method_not_allowed", "this path takes " + match.allowed_methods);
    response.headers.emplace_back("Allow", match.allowed_methods);
    return response;
  }
  const auto identity = identities_.identify(request, absl::Now());
  if (!identity.ok()) return errorResponse(identity.status());
  const strata::Caller& caller = identity->caller;
  const auto decision =
      checkLimits(limitKey(identities_.addressOf(request)), *caller.user_id, match.route->cost);
  if (!decision.ok()) return errorResponse(ours(decision.status()));
  Response response = decision->allowed
                          ? callHandler(*match.route, {request, caller, std::move(match.arguments)})
                          : tooManyRequests();
  for (auto& header : strata::renderRateLimitHeaders(*decision)) {
    response.headers.push_back(std::move(header));
  }
  return response;
}

absl::StatusOr<strata::RateLimitDecision> Application::checkLimits(const std::string& address,
                                                                   const std::string& user,
                                                                   RouteCost cost) {
  std::vector<strata::RateLimitCheck> checks = {{service_.global_limit.get(), address}};
  if (cost == RouteCost::kWrite) checks.push_back({service_.write_limit.get(), user});
  if (cost == RouteCost::kContext) checks.push_back({service_.context_limit.get(), user});
  return strata::combine(strata::checkAll(checks));
}

Response Application::callHandler(const Route& route, const Call& call) {
  auto response = route.handler(call);
  return response.ok() ? *std::move(response) : errorResponse(response.status());
}

}  // namespace copilot
