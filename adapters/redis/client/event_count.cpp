#include "adapters/redis/client/event_count.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace strata::internal {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

// steady_clock is CLOCK_MONOTONIC, which an absolute time of FUTEX_WAIT_BITSET is measured on.
timespec toTimespec(std::chrono::steady_clock::time_point time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return {.tv_sec = seconds.count(),
          .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count()};
}

}  // namespace

bool EventCount::wait(std::uint32_t seen, std::uint32_t group,
                      std::chrono::steady_clock::time_point until) const {
  const timespec limit = toTimespec(until);
  const long result =
      syscall(SYS_futex, &count_, FUTEX_WAIT_BITSET_PRIVATE, seen, &limit, nullptr, only(group));
  return result == 0 || errno != ETIMEDOUT;
}

void EventCount::wakeAll(Groups groups) { wake(groups, INT_MAX); }
void EventCount::wakeOne(Groups groups) { wake(groups, 1); }

void EventCount::wake(Groups groups, int most) {
  count_.fetch_add(1, std::memory_order_release);
  syscall(SYS_futex, &count_, FUTEX_WAKE_BITSET_PRIVATE, most, nullptr, nullptr, groups);
}

}  // namespace strata::internal
