#include "strata/base/status.h"

#include <fmt/format.h>

#include "absl/strings/cord.h"

namespace strata {

absl::Status annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  const std::string message(status.message());
  absl::Status annotated(status.code(), fmt::format("{}: {}", context, message));
  status.ForEachPayload(
      [&](auto type, const absl::Cord& payload) { annotated.SetPayload(type, payload); });
  return annotated;
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
