// MAX_CONNECTIONS against what the system lets the process open.
#pragma once

#include "absl/status/statusor.h"

namespace copilot {

// Files of a process beside its clients' connections: those to databases and caches, logs, libraries.
inline constexpr int kOtherFiles = 256;

// How many connections fit under `RLIMIT_NOFILE`, whose soft limit is raised towards the hard one where
// that is needed: `wanted`, or fewer where the system allows no more.
int connectionsThatFit(int wanted);

}  // namespace copilot
