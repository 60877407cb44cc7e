#include "examples/copilot_server/identity.h"

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace copilot {
namespace {

bool isUuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool fits = kShape[i] == '-' ? text[i] == '-'
                                       : absl::ascii_isxdigit(static_cast<unsigned char>(text[i]));
    if (!fits) return false;
  }
  return true;
}

// Stores answer ids in lower case, so that is what they are compared in.
absl::StatusOr<strata::Caller> callerOf(const std::string& tenant, const std::string& user) {
  if (!isUuid(tenant)) return absl::InvalidArgumentError("the tenant's id is not a UUID");
  if (!isUuid(user)) return absl::InvalidArgumentError("the user's id is not a UUID");
  return strata::Caller{.tenant_id = absl::AsciiStrToLower(tenant),
                        .user_id = absl::AsciiStrToLower(user)};
}

// The gateway adds the address that it saw as the last one.
std::string_view lastOf(std::string_view forwarded_for) {
  const std::size_t comma = forwarded_for.rfind(',');
  if (comma != std::string_view::npos) forwarded_for.remove_prefix(comma + 1);
  return trimmed(forwarded_for);
}

}  // namespace

std::string_view bearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view scheme = authorization.substr(0, kScheme.size());
  const bool is_bearer =
      absl::EqualsIgnoreCase({scheme.data(), scheme.size()}, {kScheme.data(), kScheme.size()});
  return is_bearer ? authorization.substr(kScheme.size()) : std::string_view();
}

bool IdentityCheck::isOfGateway(const Request& request) const {
  return (settings_.proxies.empty() || settings_.proxies.contains(request.peer)) &&
         (settings_.secret.empty() ||
          equalInConstantTime(settings_.secret.reveal(), request.gateway_secret));
}

std::string IdentityCheck::addressOf(const Request& request) const {
  if (!settings_.trust_forwarded || !isOfGateway(request)) return request.peer;
  // Any other text would be a limit of its own.
  return addressOfHost(lastOf(request.forwarded_for)).value_or(request.peer);
}

absl::StatusOr<Identity> IdentityCheck::identify(const Request& request, absl::Time now) const {
  return settings_.tokens != nullptr ? fromToken(request, now) : fromHeaders(request);
}

absl::StatusOr<Identity> IdentityCheck::fromToken(const Request& request, absl::Time now) const {
  const std::string_view token = bearerToken(request.authorization);
  if (token.empty()) return absl::UnauthenticatedError("a token says who asks");
  auto claims = settings_.tokens->verify(token, now);
  if (!claims.ok()) return claims.status();
  auto caller = callerOf(claims->tenant_id, claims->user_id);
  if (!caller.ok()) return caller.status();
  return Identity{*std::move(caller), claims->expires};
}

absl::StatusOr<Identity> IdentityCheck::fromHeaders(const Request& request) const {
  if (!isOfGateway(request)) {
    return absl::UnauthenticatedError("only the gateway in front of the service says who asks");
  }
  if (request.tenant_id.empty() || request.user_id.empty()) {
    return absl::UnauthenticatedError("the headers X-Tenant-Id and X-User-Id say who asks");
  }
  auto caller = callerOf(request.tenant_id, request.user_id);
  if (!caller.ok()) return caller.status();
  return Identity{*std::move(caller), std::nullopt};
}

}  // namespace copilot
