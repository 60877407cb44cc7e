#pragma once

#include <chrono>
#include <cstddef>

namespace strata::internal {

// The end of a wait for I/O, in real time even where the clock is a fake: the kernel knows no other.
using IoTime = std::chrono::steady_clock::time_point;

// The end of the first of `parts` equal parts of the time from now to `until`.
inline IoTime endOfShare(IoTime until, std::size_t parts) {
  const IoTime now = std::chrono::steady_clock::now();
  return now + (until - now) / static_cast<long>(parts);
}

}  // namespace strata::internal
