#include "strata/testing/eventually.h"

#include <algorithm>

#include "strata/base/clock.h"

namespace strata::testing {

bool eventually(absl::FunctionRef<bool()> predicate, absl::Duration timeout) {
  const Clock& clock = Clock::system();
  const MonotonicTime end = clock.now() + timeout;
  absl::Duration step = absl::Microseconds(200);
  while (!predicate()) {
    if (clock.now() >= end) return false;
    clock.sleepFor(step);
    step = std::min(step * 2, absl::Milliseconds(20));
  }
  return true;
}

}  // namespace strata::testing
