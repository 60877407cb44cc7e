// Logging in with a secret that may change.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/secret_source.h"

namespace strata::internal {

// What `source` returns, for a server: its exception is Internal, and a secret that is empty or
// holds a NUL byte is InvalidArgument.
absl::StatusOr<Secret> askForSecret(const SecretSource& source);

// Calls `log_in` with the secret, and at once a second time if it was refused (PermissionDenied)
// and the secret has changed meanwhile.
template <typename LogIn>
auto logInWithNewest(const SecretSource& source, LogIn log_in)
    -> decltype(log_in(std::declval<const Secret&>())) {
  const absl::StatusOr<Secret> secret = askForSecret(source);
  if (!secret.ok()) return secret.status();
  auto result = log_in(*secret);
  if (!absl::IsPermissionDenied(result.status())) return result;
  const absl::StatusOr<Secret> newer = askForSecret(source);
  if (!newer.ok() || *newer == *secret) return result;
  return log_in(*newer);
}

}  // namespace strata::internal
