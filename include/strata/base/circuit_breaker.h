// CircuitBreaker: stops asking a backend that keeps failing, and finds out by itself when it is
// back.
//
//   CircuitBreaker breaker({.name = "cache"}, [&] { return cache.ping(); });
//   if (!breaker.allows()) return breaker.refusal();
//   const absl::Status status = cache.ping();
//   status.ok() ? breaker.noteSuccess() : breaker.noteFailure(status);
//
//   closed ──3 failures in a row──► open ──15 s──► half-open ──probe succeeds──► closed
//                                     ▲                │
//                                     └──probe fails───┘
//
// Calls are refused while it is open and while it is half-open: only the probe asks the backend,
// one at a time, on the executor. So no caller waits for a backend that may hang, and a crowd of
// callers cannot fall upon one that has just come up. A probe may do more than ask: whatever must
// be put right before calls are let through again belongs into it. Where the executor has no thread
// for the probe, each `allows` that refuses a call offers it again, a hundred times a second at most.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"

namespace strata {

struct CircuitBreakerOptions {
  // What it guards, in logs and metrics.
  std::string name = "cache";
  // So many failures in a row open it; at least 1.
  int failures_to_open = 3;
  // How long it stays open before a probe; each time less or more by up to a tenth, so that
  // processes do not probe together. Above zero.
  absl::Duration open_time = absl::Seconds(15);
  // So many probes must succeed, one right after the other; at least 1.
  int probes_to_close = 1;
};

// Ok, or InvalidArgument that names the option that is out of its range.
absl::Status validate(const CircuitBreakerOptions& options);

// Thread-safe. A call costs a load while it is closed and nothing has failed.
class CircuitBreaker {
 public:
  enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };
  struct Status {
    State state = State::kClosed;
    int failures = 0;  // in a row
    // Until the next probe; zero when it is not open. Infinite while it is forced open.
    absl::Duration time_to_probe;
    bool forced = false;
    // How often it has closed again: what was true of the backend before may not be any more.
    std::uint64_t closings = 0;
  };

  // Blocks at most for as long as one call of the backend, or a few. It is called without a lock, may
  // use the breaker, and must not destroy it. An exception counts as a failure.
  using Probe = std::function<absl::Status()>;

  // `clock` must outlive it. `options` as `validate` accepts them.
  CircuitBreaker(CircuitBreakerOptions options, Probe probe,
                 const std::shared_ptr<Metrics>& metrics = Metrics::none(),
                 const Clock& clock = Clock::system(),
                 std::shared_ptr<Executor> executor = Executor::shared());
  // Waits for a probe that is under way.
  ~CircuitBreaker();

  // Whether a call may be made now.
  bool allows() const { return allows_.load(std::memory_order_acquire) || refuse(); }
  // What to answer when it may not: Unavailable, with the failure that opened it.
  absl::Status refusal() const;

  // What came of a call that was allowed. A miss is a success. What the backend refuses for the
  // call's own sake (a bad argument, a full store) is neither.
  void noteSuccess() {
    if (failures_.load(std::memory_order_relaxed) != 0) resetFailures();
  }
  void noteFailure(const absl::Status& why);

  // For operators. Each writes a log line, `strata.breaker.transition` with by=operator.
  //
  // Refuses or allows every call until `reset`, whatever the backend does.
  void forceOpen();
  void forceClosed();
  // Closed, with no failure counted; ends a forced state.
  void reset();

  Status status() const;

 private:
  struct Impl;

  // False, after having seen to it that the probe comes.
  static bool refuse();
  void resetFailures();
  void operate(State to, bool is_forced);
  void runProbe(std::uint64_t period);

  std::atomic<bool> allows_{true};
  std::atomic<int> failures_{0};
  std::unique_ptr<Impl> impl_;
};

const char* toString(CircuitBreaker::State state);

}  // namespace strata
