// absl::Status as HTTP.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "examples/copilot_server/http.h"

namespace copilot {

int httpStatus(absl::StatusCode code);

// {"error": {"code": …, "message": …}}
Response errorResponse(int status, std::string_view code, std::string_view message);
// The status' own message is for whoever can do something about it: it is told to clients that made
// a mistake, and logged where the mistake is the server's.
Response errorResponse(const absl::Status& status);

}  // namespace copilot
