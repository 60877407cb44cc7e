#include "strata/stores/rate_limits/platform_rate_limits.h"

#include <cstdint>
#include <string>
#include <utility>

namespace strata {
namespace {

RateLimit perMinute(std::string name, std::int64_t limit) {
  return {.name = std::move(name), .limit = limit, .window = absl::Minutes(1)};
}

}  // namespace

RateLimit authRateLimit() { return perMinute("auth", 5); }
RateLimit aiRateLimit() { return perMinute("ai", 10); }
RateLimit writeRateLimit() { return perMinute("write", 30); }
RateLimit globalRateLimit() { return perMinute("global", 100); }

}  // namespace strata
