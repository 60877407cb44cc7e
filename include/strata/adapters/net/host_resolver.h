// HostResolver: finds the addresses of a host name, where the system's own way is not to be used:
// another directory of services, or a test.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace strata {

// Returns numeric addresses ("10.0.0.7", "fd00::7") in the order of preference. Called from several
// threads at once, once per name at a time. It may block: nobody waits for it past the timeout of
// connecting, and what it returns later is dropped. An error, an exception, or none: the host is
// Unavailable.
using HostResolver =
    std::function<absl::StatusOr<std::vector<std::string>>(const std::string& host)>;

}  // namespace strata
