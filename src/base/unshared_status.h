#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"

namespace strata::internal {

// A status of that code and message with the payloads of `status`, sharing nothing with it: it goes to
// several threads, and the count of a shared one lives in a library that ThreadSanitizer cannot look
// into.
inline absl::Status restated(const absl::Status& status, absl::StatusCode code,
                             const std::string& message) {
  absl::Status made(code, message);
  status.ForEachPayload([&made](auto type, const absl::Cord& payload) {
    made.SetPayload(type, absl::Cord(std::string(payload)));
  });
  return made;
}

// The same status, payloads included, sharing nothing with it.
inline absl::Status unshared(const absl::Status& status) {
  return restated(status, status.code(), std::string(status.message()));
}

}  // namespace strata::internal
