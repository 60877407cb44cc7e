#pragma once

#include <string_view>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace strata::internal {

// Calls `make`, which starts a thread or makes an object that does. ResourceExhausted: the system
// gives none; try again when the process has fewer.
template <typename Make>
absl::Status startThreads(std::string_view what, Make make) {
  try {
    make();
    return absl::OkStatus();
  } catch (const std::system_error& thrown) {
    return absl::ResourceExhaustedError(
        absl::StrCat(absl::string_view(what.data(), what.size()),
                     ": no thread could be started: ", thrown.code().message()));
  }
}

}  // namespace strata::internal
