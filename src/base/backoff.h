#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace strata::internal {

// How long to leave a server alone after so many failures in a row, by default those to connect:
// twice as long every time, from `first` to `longest`, less up to a half by chance, so that clients
// do not come back together.
inline std::chrono::nanoseconds backoffAfter(
    int failures, std::minstd_rand& random,
    std::chrono::milliseconds first = std::chrono::milliseconds(20),
    std::chrono::milliseconds longest = std::chrono::milliseconds(2000)) {
  const auto full = std::min(first * (1 << std::clamp(failures - 1, 0, 30)), longest);
  std::uniform_real_distribution<double> part(0.5, 1.0);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(full * part(random));
}

}  // namespace strata::internal
