#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace strata::testing::internal {

struct SpawnOptions {
  // A descriptor that the child gets as its descriptor 3.
  int third_descriptor = -1;
  // Where its output goes, replaced; empty: nowhere.
  std::string log = {};
};

// Starts a program as a child in a session of its own, in the root folder, with no input and no
// signal blocked or ignored. `command.front()` is a path or is looked up in PATH.
absl::StatusOr<pid_t> spawn(const std::vector<std::string>& command, const SpawnOptions& options);

// The full path of a program in PATH or in one of the `folders`; empty when there is none.
std::string findProgram(const std::string& name, const std::vector<std::string>& folders = {});

}  // namespace strata::testing::internal
