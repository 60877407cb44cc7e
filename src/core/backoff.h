#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace strata::internal {

// How long to leave a server alone after so many failures to connect in a row: twice as long every
// time, from 20 ms to 2 s, less up to a half by chance, so that clients do not come back together.
inline std::chrono::nanoseconds backoffAfter(int failures, std::minstd_rand& random) {
  constexpr std::chrono::milliseconds kFirst(20);
  constexpr std::chrono::milliseconds kLongest(2000);
  const auto full = std::min(kFirst * (1 << std::clamp(failures - 1, 0, 10)), kLongest);
  std::uniform_real_distribution<double> part(0.5, 1.0);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(full * part(random));
}

}  // namespace strata::internal
