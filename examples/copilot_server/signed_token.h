// Signed tokens (JSON Web Tokens, RFC 7519) that say who asks.
//
// One key, of one algorithm, which the service's configuration fixes: the `alg` of a token is compared
// with it and decides nothing. Not for: encrypted tokens, sets of keys, RSA.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/secret.h"

namespace copilot {

struct TokenClaims {
  std::string tenant_id;  // tenant_id
  std::string user_id;    // sub
  absl::Time expires;     // exp
};

// Thread-safe.
class TokenVerifier {
 public:
  // HS256, with the key's bytes. InvalidArgument: it has fewer than 32.
  static absl::StatusOr<std::unique_ptr<TokenVerifier>> ofSecret(const strata::Secret& key,
                                                                 std::string audience);
  // EdDSA with Ed25519. InvalidArgument: this is no such public key in PEM.
  static absl::StatusOr<std::unique_ptr<TokenVerifier>> ofPublicKey(const std::string& pem,
                                                                    std::string audience);
  virtual ~TokenVerifier() = default;
  TokenVerifier(const TokenVerifier&) = delete;
  TokenVerifier& operator=(const TokenVerifier&) = delete;

  // Unauthenticated: the token is malformed, not signed by the key, for another audience, expired or
  // not valid yet. The message says which, and nothing of the token.
  absl::StatusOr<TokenClaims> verify(std::string_view token, absl::Time now) const;

 protected:
  explicit TokenVerifier(std::string audience) : audience_(std::move(audience)) {}

 private:
  virtual std::string_view algorithm() const = 0;
  virtual bool isSigned(std::string_view text, std::string_view signature) const = 0;
  absl::Status checkHeader(std::string_view header) const;
  absl::StatusOr<TokenClaims> readClaims(std::string_view payload, absl::Time now) const;

  const std::string audience_;
};

// Whether both are the same, in a time that depends on their lengths alone.
bool equalInConstantTime(std::string_view one, std::string_view other);

}  // namespace copilot
