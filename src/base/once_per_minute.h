#pragma once

#include <atomic>
#include <cstdint>

#include "strata/base/clock.h"

namespace strata::internal {

// Lets one log line through a minute. Thread-safe.
class OncePerMinute {
 public:
  bool operator()(const Clock& clock) {
    const std::int64_t now = clock.now().nanos();
    std::int64_t next = next_.load(std::memory_order_relaxed);
    return now >= next && next_.compare_exchange_strong(next, now + kMinute);
  }

 private:
  static constexpr std::int64_t kMinute = 60'000'000'000;
  std::atomic<std::int64_t> next_{0};
};

}  // namespace strata::internal
