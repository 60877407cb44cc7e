// Who asks, and from where: which words of a request the service believes. Decision record 0029 says
// why these.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/copilot_server/address.h"
#include "examples/copilot_server/http.h"
#include "examples/copilot_server/signed_token.h"
#include "strata/base/secret.h"
#include "strata/stores/conversations/conversation/authorization.h"

namespace copilot {

// With `tokens`, only a signed token says who asks. Without, the headers X-Tenant-Id and X-User-Id do,
// on a request of a gateway: one that comes from `proxies`, where there are any, and carries `secret`,
// where there is one. Without either every request counts as a gateway's.
struct IdentitySettings {
  std::shared_ptr<const TokenVerifier> tokens;  // TOKEN_KEY_FILE or TOKEN_SECRET
  AddressSet proxies;                           // TRUSTED_PROXIES
  strata::Secret secret;                        // GATEWAY_SECRET
  bool trust_forwarded = false;                 // TRUST_PROXY: X-Forwarded-For of a gateway

  bool isChecked() const { return tokens != nullptr || !proxies.empty() || !secret.empty(); }
};

struct Identity {
  // Both ids are UUIDs in lower case.
  strata::Caller caller;
  // Of a token.
  std::optional<absl::Time> expires;
};

// Thread-safe.
class IdentityCheck {
 public:
  explicit IdentityCheck(IdentitySettings settings) : settings_(std::move(settings)) {}

  // Unauthenticated: the request does not say who asks in a way that counts. InvalidArgument: an id
  // is no UUID.
  absl::StatusOr<Identity> identify(const Request& request, absl::Time now) const;
  // The client's: the peer, or what its gateway says.
  std::string addressOf(const Request& request) const;

 private:
  bool isOfGateway(const Request& request) const;
  absl::StatusOr<Identity> fromToken(const Request& request, absl::Time now) const;
  absl::StatusOr<Identity> fromHeaders(const Request& request) const;

  const IdentitySettings settings_;
};

// The token of an Authorization header of the scheme Bearer; "" where it is none.
std::string_view bearerToken(std::string_view authorization);

}  // namespace copilot
