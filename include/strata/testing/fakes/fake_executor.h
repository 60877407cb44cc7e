// FakeExecutor: an executor that runs its tasks when a test says so, on the test's thread.
//
//   FakeClock clock;
//   auto executor = std::make_shared<FakeExecutor>(clock);
//   CircuitBreaker breaker({}, probe, Metrics::none(), clock, executor);
//   …
//   executor->advance(absl::Seconds(15));       // the clock moves, and what is due runs
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>

#include "absl/time/time.h"
#include "strata/base/executor.h"
#include "strata/testing/fakes/fake_clock.h"

namespace strata::testing {

// Thread-safe, but only one thread may run tasks at a time.
class FakeExecutor final : public Executor {
 public:
  // `clock` must outlive it.
  explicit FakeExecutor(FakeClock& clock) : clock_(clock) {}

  void schedule(absl::Duration delay, std::function<void()> task) override;

  // Runs what is due, and what that schedules for now; returns how many tasks ran.
  std::size_t runDue();
  // Moves the clock by `duration`, stopping on the way wherever something is due to run it.
  std::size_t advance(absl::Duration duration);
  // How many tasks wait.
  std::size_t size() const;

 private:
  // Runs the first task that is due at `until`, moving the clock to its time; false: there is none.
  bool runNext(MonotonicTime until);

  FakeClock& clock_;
  mutable std::mutex mutex_;
  std::multimap<MonotonicTime, std::function<void()>> tasks_;
};

}  // namespace strata::testing
