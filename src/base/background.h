#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/time/time.h"
#include "src/base/fork.h"
#include "src/base/refused_tasks.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"

namespace strata::internal {

// The tasks of one object on an executor: they end with it. A task that has not begun by then does
// nothing, one that is running is waited for. Thread-safe; tasks may schedule tasks.
class Background {
 public:
  // What a child of fork() does with its copies of the tasks that have not begun.
  enum class InChild : bool { kRuns, kEnds };

  Background(std::shared_ptr<Executor> executor, const Clock& clock,
             InChild in_child = InChild::kRuns)
      : executor_(std::move(executor)), state_(std::make_shared<State>(clock, in_child)) {}
  ~Background() { end(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Does not throw. A task that the executor does not take is kept and offered to it again by
  // retryRefused, which whoever waits for the task has to call.
  void schedule(absl::Duration delay, std::function<void()> task) {
    retryRefused();
    const auto run = std::make_shared<std::function<void()>>(guarded(std::move(task)));
    if (offer(executor_, delay, run)) return;
    const MonotonicTime due = Clock::system().now() + delay;
    keepRefused([executor = executor_, due, run] {
      const absl::Duration left = due - Clock::system().now();
      return offer(executor, std::max(left, absl::ZeroDuration()), run);
    });
  }

  // Whether the executor takes the task. False: it is dropped, and the caller is to do without it.
  bool trySchedule(absl::Duration delay, std::function<void()> task) {
    retryRefused();
    return executor_->trySchedule(delay, guarded(std::move(task)));
  }

  // Once this has returned no task runs nor begins. Not to be called from a task.
  void end() { state_->end(); }

 private:
  struct State {
    State(const Clock& clock_in, InChild does_in_child)
        : clock(clock_in), in_child(does_in_child) {}

    void run(const std::function<void()>& task) {
      {
        const std::lock_guard lock(mutex);
        if (ended) return;
        ++running;
      }
      const absl::Cleanup done = [this] {
        const std::lock_guard lock(mutex);
        if (--running == 0) changed.notify_all();
      };
      task();
    }
    void end() {
      std::unique_lock lock(mutex);
      ended = true;
      while (running > 0) clock.wait(lock, changed, MonotonicTime::max());
    }
    // Tasks that were running in threads of the parent end there alone.
    void resetInChild() {
      abandon(mutex);
      abandon(changed);
      running = 0;
      ended = ended || in_child == InChild::kEnds;
    }

    const Clock& clock;
    const InChild in_child;
    std::mutex mutex;
    std::condition_variable changed;
    int running = 0;
    bool ended = false;
  };

  static bool offer(const std::shared_ptr<Executor>& executor, absl::Duration delay,
                    const std::shared_ptr<std::function<void()>>& run) {
    return executor->trySchedule(delay, [run] { (*run)(); });
  }
  std::function<void()> guarded(std::function<void()> task) const {
    return [state = state_, task = std::move(task)] { state->run(task); };
  }

  const std::shared_ptr<Executor> executor_;
  const std::shared_ptr<State> state_;
  const ForkHandler fork_handler_{
      {.reset_in_child = [state = state_.get()] { state->resetInChild(); }}};
};

}  // namespace strata::internal
