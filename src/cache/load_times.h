#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace strata::internal {

// How long loads of a store take: the 95th percentile, by nearest rank, of the last 64. To note one
// costs an increment and a store. Thread-safe; a percentile that is taken meanwhile may miss the
// newest.
class LoadTimes {
 public:
  // Fewer have no 95th percentile: until then it is the longest, and at least kUnknown.
  static constexpr std::size_t kEnough = 20;
  static constexpr absl::Duration kUnknown = absl::Milliseconds(250);

  void note(absl::Duration took) {
    const std::uint64_t number = count_.fetch_add(1, std::memory_order_relaxed);
    nanos_[number % nanos_.size()].store(absl::ToInt64Nanoseconds(took), std::memory_order_relaxed);
  }

  absl::Duration percentile95() const {
    std::array<std::int64_t, kKept> sorted{};
    const std::size_t kept = static_cast<std::size_t>(
        std::min<std::uint64_t>(count_.load(std::memory_order_relaxed), kKept));
    for (std::size_t i = 0; i < kept; ++i) sorted[i] = nanos_[i].load(std::memory_order_relaxed);
    std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(kept));
    if (kept < kEnough) {
      const std::int64_t longest = kept == 0 ? 0 : sorted[kept - 1];
      return std::max(absl::Nanoseconds(longest), kUnknown);
    }
    return absl::Nanoseconds(sorted[(kept * 95 + 99) / 100 - 1]);
  }

 private:
  static constexpr std::size_t kKept = 64;

  std::atomic<std::uint64_t> count_{0};
  std::array<std::atomic<std::int64_t>, kKept> nanos_{};
};

}  // namespace strata::internal
