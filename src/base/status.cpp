#include "strata/base/status.h"

#include <fmt/format.h>

namespace strata {

absl::Status annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  const std::string message(status.message());
  return absl::Status(status.code(), fmt::format("{}: {}", context, message));
}

bool mayHaveHappened(const absl::Status& write_status) {
  switch (write_status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return false;
    default:
      return true;
  }
}

std::string describe(const absl::Status& status) {
  return fmt::format("{}: {}", absl::StatusCodeToString(status.code()),
                     std::string(status.message()));
}

}  // namespace strata
