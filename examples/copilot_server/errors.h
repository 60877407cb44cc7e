// absl::Status as HTTP.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "examples/copilot_server/http.h"

namespace copilot {

int httpStatus(absl::StatusCode code);

// A failure of something that the client did not choose, such as a limiter: Internal instead of a code
// that would blame the client.
absl::Status ours(const absl::Status& status);

// {"error": {"code": …, "message": …}}
Response errorResponse(int status, std::string_view code, std::string_view message);
// The status' own message is for those who can do something about it: clients get it for a rule that
// they broke; it is logged where the fault is the service's, which includes all that a server behind it
// complains of, whatever the code.
Response errorResponse(const absl::Status& status);

}  // namespace copilot
