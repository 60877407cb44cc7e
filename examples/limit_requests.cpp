// A service that limits what its callers may do: two limits in one round trip, and the headers of
// the answer. With REDIS_URL set, over all of its processes; otherwise in this one.
#include <cstdlib>
#include <iostream>

#include "strata/factories/config.h"
#include "strata/factories/rate_limiter_factory.h"

namespace {

using strata::RateLimitFailure;

struct Request {
  std::string address;
  std::string user;
};

// What an HTTP server would send before it does anything else.
int answer(const Request& request, strata::RateLimiter& by_address, strata::RateLimiter& by_user) {
  const std::vector<strata::RateLimitCheck> checks{{&by_address, request.address},
                                                   {&by_user, request.user}};
  auto decision = strata::combine(strata::checkAll(checks));
  if (!decision.ok()) return 400;  // nobody's address, or nobody's name
  for (const auto& [name, value] : strata::renderRateLimitHeaders(*decision)) {
    std::cout << name << ": " << value << "\n";
  }
  return decision->allowed ? 200 : 429;
}

}  // namespace

int main() {
  const auto config = strata::configFromEnv();
  if (!config.ok()) return EXIT_FAILURE;
  const strata::Backends backends{.config = *config};

  const std::vector<strata::RateLimiterOptions> limits{
      {.limit = {.name = "requests", .limit = 100, .window = absl::Minutes(1)}},
      {.limit = {.name = "export", .limit = 3, .window = absl::Minutes(10)},
       .on_failure = RateLimitFailure::kLocalShare,
       .local_share = 0.5}};
  auto limiters = strata::createRateLimiters(backends, limits);
  if (!limiters.ok()) {
    std::cerr << limiters.status() << "\n";
    return EXIT_FAILURE;
  }
  const auto& by_address = limiters->at(0);
  const auto& by_user = limiters->at(1);

  int last = 0;
  for (int i = 0; i < 4; ++i) last = answer({"203.0.113.7", "alice"}, *by_address, *by_user);
  return last == 429 ? EXIT_SUCCESS : EXIT_FAILURE;
}
