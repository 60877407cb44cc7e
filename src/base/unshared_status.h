#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"

namespace strata::internal {

// The same status, payloads included, sharing nothing with it: it goes to several threads, and the
// count of a shared one lives in a library that ThreadSanitizer cannot look into.
inline absl::Status unshared(const absl::Status& status) {
  absl::Status copy(status.code(), std::string(status.message()));
  status.ForEachPayload(
      [&copy](auto type, const absl::Cord& payload) { copy.SetPayload(type, payload); });
  return copy;
}

}  // namespace strata::internal
