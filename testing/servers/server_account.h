// The user that servers run as which refuse to run as root: PostgreSQL and PgBouncer. Debian's package
// postgresql creates it. Somebody else runs them as himself.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace strata::testing::internal {

std::vector<std::string> asServerAccount(std::vector<std::string> command);
// FailedPrecondition: there is no such user.
absl::Status giveToServerAccount(const std::string& path);
// A new file that nobody else may read.
absl::Status writeSecret(const std::string& path, const std::string& text);

}  // namespace strata::testing::internal
