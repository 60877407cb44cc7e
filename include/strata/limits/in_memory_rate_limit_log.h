// InMemoryRateLimitLog: the calls of one process.
//
//   auto log = std::make_shared<InMemoryRateLimitLog>();
//   auto limiter = makeRateLimiter(log, {.name = "search", .limit = 10}, "shop");
//
// For an application of one process, for tests, and as what is left where a server fails. Not for:
// several processes, each of which would allow the whole limit.
#pragma once

#include <cstddef>
#include <memory>

#include "strata/base/clock.h"
#include "strata/limits/rate_limit_log.h"

namespace strata {

// Thread-safe. Keeps eight bytes for every call in its window, and at most about twice as many keys
// as have any (but a thousand at least): the others are forgotten as new ones come.
class InMemoryRateLimitLog final : public RateLimitLog {
 public:
  // `clock` must outlive it. It decides by monotonic time; wall time only dresses `room_at`.
  explicit InMemoryRateLimitLog(const Clock& clock = Clock::system());
  ~InMemoryRateLimitLog() override;

  // DeadlineExceeded, when the deadline has passed, is its only error.
  std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> calls,
                                            Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

  // How many keys it keeps.
  std::size_t size() const;

 private:
  struct Core;
  const std::unique_ptr<Core> core_;
};

}  // namespace strata
