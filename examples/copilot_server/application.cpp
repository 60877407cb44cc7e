#include "examples/copilot_server/application.h"

#include <exception>
#include <memory>
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

Response nothingThere() { return errorResponse(404, "not_found", "there is nothing at this path"); }

Response thrown() { return errorResponse(absl::InternalError("a handler threw an exception")); }

// Null: nobody, or an operator.
const std::string* userOf(const absl::StatusOr<Identity>& identity) {
  return identity.ok() && identity->caller.user_id ? &*identity->caller.user_id : nullptr;
}

Admission refusal(Response response) {
  return {.refusal = std::make_shared<Response>(std::move(response))};
}

}  // namespace

Application::Application(Service& service, const Settings& settings)
    : service_(service),
      log_requests_(settings.log_requests),
      has_probes_(settings.probe_port == 0),
      identities_(settings.identity),
      admin_secret_(settings.admin_secret),
      warming_(service.clarify.sources),
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
  addPathRoutes(router_, service);
  addConfigRoutes(router_, service);
  if (!admin_secret_.empty()) addAdminRoutes(router_, service);
}

Lane Application::laneOf(const Request& request) {
  if (request.path == "/livez" || request.path.empty()) return Lane::kAtOnce;
  return isProbe(request.path) ? Lane::kProbes : Lane::kWork;
}

Admission Application::admit(const Request& request) {
  const strata::MonotonicTime began = strata::Clock::system().now();
  Admission admission;
  try {
    admission = judge(request);
  } catch (const std::exception&) {
    admission = refusal(thrown());
  }
  const absl::Duration spent = strata::Clock::system().now() - began;
  if (admission.refusal != nullptr) {
    note(request, *admission.refusal, spent);
    return admission;
  }
  // The time in which a body came does not count.
  admission.handle = [this, spent, handle = std::move(admission.handle)](const Request& whole) {
    const strata::MonotonicTime went_on = strata::Clock::system().now();
    Response response;
    try {
      response = handle(whole);
    } catch (const std::exception&) {
      response = thrown();
    }
    note(whole, response, spent + (strata::Clock::system().now() - went_on));
    return response;
  };
  return admission;
}

void Application::note(const Request& request, const Response& response, absl::Duration took) {
  responses_[static_cast<std::size_t>(response.status) / 100]->increment();
  if (response.stream == nullptr) durations_.record(took);
  if (!log_requests_) return;
  strata::log(strata::Severity::kDebug, "copilot_server.request",
              {{"method", request.method},
               {"path", request.path},
               {"status", response.status},
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

Admission Application::judge(const Request& request) {
  if (request.path.empty())
    return refusal(errorResponse(400, "bad_request", "the URL cannot be read"));
  if (laneOf(request) != Lane::kWork) {
    if (!has_probes_) return refusal(nothingThere());
    return {.handle = [this](const Request& whole) { return probe(whole); },
            .address = request.peer};
  }
  Router::Match match = router_.find(request.method, request.path);
  if (match.route == nullptr && match.allowed_methods.empty()) return refusal(nothingThere());
  if (match.route == nullptr) {
    Response response =
        errorResponse(405, "method_not_allowed", "this path takes " + match.allowed_methods);
    response.headers.emplace_back("Allow", match.allowed_methods);
    return refusal(std::move(response));
  }
  return judgeRoute(request, std::move(match));
}

absl::StatusOr<Identity> Application::identify(const Request& request, const Route& route) const {
  if (route.cost != RouteCost::kAdmin) return identities_.identify(request, absl::Now());
  if (equalInConstantTime(bearerToken(request.authorization), admin_secret_.reveal())) {
    return Identity{};
  }
  return absl::UnauthenticatedError("an operator's secret is needed here");
}

// The limit of the address counts also those who are nobody.
Admission Application::judgeRoute(const Request& request, Router::Match match) {
  auto identity = identify(request, *match.route);
  std::string address = identities_.addressOf(request);
  const auto decision = checkLimits(limitKey(address), userOf(identity), match.route->cost);
  if (!decision.ok()) return refusal(errorResponse(ours(decision.status())));
  auto headers = strata::renderRateLimitHeaders(*decision);
  if (!decision->allowed || !identity.ok()) {
    Response response = decision->allowed ? errorResponse(identity.status()) : tooManyRequests();
    for (auto& header : headers) response.headers.push_back(std::move(header));
    return refusal(std::move(response));
  }
  auto admitted = std::make_shared<Admitted>(
      Admitted{match.route, std::move(match.arguments), *std::move(identity), std::move(headers)});
  return {
      .handle = [this, admitted](const Request& whole) { return callHandler(*admitted, whole); },
      .address = std::move(address)};
}

absl::StatusOr<strata::RateLimitDecision> Application::checkLimits(const std::string& address,
                                                                   const std::string* user,
                                                                   RouteCost cost) {
  std::vector<strata::RateLimitCheck> checks = {{service_.global_limit.get(), address}};
  if (user != nullptr && cost == RouteCost::kWrite) {
    checks.push_back({service_.write_limit.get(), *user});
  }
  if (user != nullptr && cost == RouteCost::kContext) {
    checks.push_back({service_.context_limit.get(), *user});
  }
  return strata::combine(strata::checkAll(checks));
}

Response Application::callHandler(const Admitted& admitted, const Request& request) {
  if (admitted.identity.caller.user_id) warming_.onRequest(*admitted.identity.caller.user_id);
  auto answered = admitted.route->handler(
      {request, admitted.identity.caller, admitted.arguments, admitted.identity.expires});
  Response response = answered.ok() ? *std::move(answered) : errorResponse(answered.status());
  for (const auto& header : admitted.headers) response.headers.push_back(header);
  return response;
}

}  // namespace copilot
