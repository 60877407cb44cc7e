#pragma once

#include <atomic>
#include <chrono>

#include "adapters/net/socket.h"

namespace strata::internal {

// What a server is known to close connections at, for those who connect to it again. Thread-safe.
class RedisRefusals {
 public:
  // Whether it closes a connection that asks INFO. Forgotten after a while: another server, or a
  // newer proxy, may be there by then.
  bool closesAtInfo() const {
    const auto until = IoTime(IoTime::duration(closes_until_.load(std::memory_order_relaxed)));
    return std::chrono::steady_clock::now() < until;
  }
  void noteClosesAtInfo() {
    const IoTime until = std::chrono::steady_clock::now() + kRemembered;
    closes_until_.store(until.time_since_epoch().count(), std::memory_order_relaxed);
  }

 private:
  // Finding out again costs three connections.
  static constexpr std::chrono::minutes kRemembered{10};

  std::atomic<IoTime::rep> closes_until_{IoTime::min().time_since_epoch().count()};
};

}  // namespace strata::internal
