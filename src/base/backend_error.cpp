#include "strata/base/backend_error.h"

#include "absl/strings/cord.h"

namespace strata {
namespace {

constexpr const char* kPayload = "strata/backend-error";

}  // namespace

bool isBackendError(const absl::Status& status) { return status.GetPayload(kPayload).has_value(); }

std::string backendErrorCode(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  return payload.has_value() ? std::string(*payload) : std::string();
}

absl::Status backendError(absl::Status status, std::string_view code) {
  // Short enough that a Cord holds it itself, so copies share nothing.
  if (!status.ok()) status.SetPayload(kPayload, absl::Cord(std::string(code)));
  return status;
}

}  // namespace strata
