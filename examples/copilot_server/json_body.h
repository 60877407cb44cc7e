// JSON bodies: described structs in, described structs out.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/copilot_server/router.h"
#include "strata/records/json_codec.h"

namespace copilot {

// The body as a T; an absent body is {}. InvalidArgument names the member that is wrong.
template <typename T>
absl::StatusOr<T> bodyOf(const Call& call) {
  const std::string_view body = call.request.body;
  auto value = strata::decodeJson<T>(body.empty() ? "{}" : body);
  if (!value.ok()) return absl::InvalidArgumentError(value.status().message());
  return value;
}

template <typename T>
Response jsonResponse(const T& value, int status = 200) {
  return {.status = status, .body = strata::encodeJson(value)};
}

}  // namespace copilot
