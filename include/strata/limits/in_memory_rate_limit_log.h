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

struct InMemoryRateLimitLogOptions {
  // How many keys have calls in their windows at once. At least 1.
  std::size_t max_keys = 1'000'000;
};

// Thread-safe. Keeps eight bytes for every call in its window and about 200 and the key for every key
// that has any. The others are forgotten, and their memory is given back: a few by each `record`, some
// ten thousand by `healthCheck`, all by `size`.
//
// A new key beyond `max_keys` is ResourceExhausted, and no key is forgotten for it whose window is not
// over: otherwise a caller with many ids could make a limit that holds another begin anew. What such a
// call means is the decision of the limiter (GuardedRateLimiterOptions::on_failure).
class InMemoryRateLimitLog final : public RateLimitLog {
 public:
  // `clock` must outlive it. It decides by monotonic time; wall time only dresses `room_at`.
  explicit InMemoryRateLimitLog(const Clock& clock = Clock::system(),
                                InMemoryRateLimitLogOptions options = {});
  ~InMemoryRateLimitLog() override;

  // DeadlineExceeded: the deadline has passed. ResourceExhausted: see above; retry once windows are
  // over.
  std::vector<absl::StatusOr<Entry>> record(absl::Span<const Call> calls,
                                            Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

  // How many keys have calls in their windows.
  std::size_t size() const;

 private:
  struct Core;
  const std::unique_ptr<Core> core_;
};

}  // namespace strata
