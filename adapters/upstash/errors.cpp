#include "adapters/upstash/errors.h"

#include <fmt/format.h>

#include "absl/strings/match.h"
#include "adapters/redis_dialect/errors.h"

namespace strata::internal {
namespace {

absl::Status rateLimited(absl::Duration retry_after) {
  if (retry_after <= absl::ZeroDuration()) return absl::ResourceExhaustedError("rate limited");
  return absl::ResourceExhaustedError(
      fmt::format("rate limited; the server asks to wait {}", absl::FormatDuration(retry_after)));
}

}  // namespace

absl::Status upstashHttpStatus(unsigned status, std::string_view error_text,
                               absl::Duration retry_after) {
  const auto told = [&](std::string_view what) {
    return fmt::format("{} (HTTP {})", what, status);
  };
  if (status == 429) return rateLimited(retry_after);
  if (status == 401 || status == 403) {
    return absl::PermissionDeniedError(told("the token is refused"));
  }
  if (status == 413) return absl::ResourceExhaustedError(told("the request is too large"));
  if (status == 408) return absl::UnavailableError(told("the server gave up waiting"));
  if (status >= 500) return absl::UnavailableError(told("the server failed"));
  if (status == 400 && !error_text.empty()) {
    return redisErrorStatus(error_text, RedisSpeaker::kRestService);
  }
  // Redirects are not followed: they would take the token to another host.
  if ((status >= 300 && status < 400) || status == 404 || status == 405) {
    return absl::FailedPreconditionError(told("no REST API is at this URL"));
  }
  return absl::InternalError(told("an answer that this version does not know"));
}

// By our own words for it, here and in redis_dialect/errors.cpp.
bool isTooLarge(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && absl::StrContains(status.message(), "is too large");
}

}  // namespace strata::internal
