#include "examples/copilot_server/file_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace copilot {

int connectionsThatFit(int wanted) {
  const auto needed = static_cast<rlim_t>(wanted) + kOtherFiles;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= needed) return wanted;
  return std::max(0, static_cast<int>(limit.rlim_cur) - kOtherFiles);
}

}  // namespace copilot
