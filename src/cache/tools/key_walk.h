#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// Hands every key of `cache` that begins with `prefix` to `take`, page by page. Where the cache
// asks to begin again, `restart` is called first; after five times that is the answer (Aborted).
// Other errors are those of Cache::scan; DeadlineExceeded too when time is out between two pages.
absl::Status walkKeys(Cache& cache, std::string_view prefix, Deadline deadline, const Clock& clock,
                      absl::FunctionRef<void(std::vector<std::string> keys)> take,
                      absl::FunctionRef<void()> restart);

}  // namespace strata::internal
