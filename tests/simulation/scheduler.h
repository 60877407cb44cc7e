// Scheduler: everything of a simulation on one thread, in an order that a seed decides.
//
// What would be threads are fibers; they give way only where the code under test waits: for a
// message, for time, for each other. Whenever all do, one of those that could go on is picked at
// random; when none could, time moves to the next thing that is due. So a run with the same seed is
// the same run, step by step.
#pragma once

#include <boost/context/fiber.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"

namespace strata::simulation {

class Scheduler {
 public:
  explicit Scheduler(std::uint64_t seed) : random_(seed) {}
  // Every fiber must have ended.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // ---- For whoever sets it up ----

  // Starts a fiber, `delay` from now.
  void spawn(std::string name, std::function<void()> body, absl::Duration delay = {});
  // Runs until every fiber has ended and nothing is due.
  void run();
  std::uint64_t steps() const { return steps_; }
  // Prints what is told from here on, each line with its time and step.
  void setTracing(bool on) { is_tracing_ = on; }

  // ---- For what runs in it ----

  MonotonicTime now() const { return now_; }
  // `line()` is made only where it is printed.
  template <typename Line>
  void tell(Line line) const {
    if (is_tracing_) print(line());
  }
  void sleepUntil(MonotonicTime time);
  // Until something has happened, which may be nothing of interest; at the latest at `until`.
  // Waiting for the same thing once more means that it was of none.
  void waitFor(const void* what, MonotonicTime until);
  // Does `action` at that time, outside of any fiber: it must not wait.
  void at(MonotonicTime time, std::function<void()> action);

  std::uint64_t below(std::uint64_t limit) { return draw() % limit; }
  bool chance(double probability) {
    return static_cast<double>(draw() >> 11) * 0x1.0p-53 < probability;
  }
  absl::Duration upTo(absl::Duration most) {
    return absl::Microseconds(
        below(static_cast<std::uint64_t>(absl::ToInt64Microseconds(most)) + 1));
  }

 private:
  struct Fiber {
    std::string name;
    boost::context::fiber context;
    MonotonicTime wake;
    const void* waits_for = nullptr;
    // Whether it has done anything since it was resumed.
    bool has_acted = false;
    // The step at which it last looked whether that has happened.
    std::uint64_t looked_at = 0;
  };

  std::uint64_t draw() {
    if (running_ != nullptr) running_->has_acted = true;
    return random_();
  }
  void print(const std::string& line) const;
  // A fiber that could go on now; none: null.
  Fiber* pick();
  void resume(Fiber& fiber);
  void park();
  // Runs the action that is due first, or moves the time; false: nothing is ever due.
  bool advance();

  std::mt19937_64 random_;
  MonotonicTime now_ = MonotonicTime::fromNanos(1'000'000'000);
  std::uint64_t steps_ = 0;
  bool is_tracing_ = false;
  std::list<Fiber> fibers_;
  Fiber* running_ = nullptr;
  boost::context::fiber main_;
  std::multimap<MonotonicTime, std::function<void()>> actions_;
};

class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(Scheduler& scheduler) : scheduler_(scheduler) {}

  MonotonicTime now() const override { return scheduler_.now(); }
  Timestamp wallTime() const override { return {}; }
  void sleepFor(absl::Duration duration) const override {
    scheduler_.sleepUntil(scheduler_.now() + duration);
  }
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
            MonotonicTime until) const override {
    lock.unlock();
    scheduler_.waitFor(&changed, until);
    lock.lock();
  }

 private:
  Scheduler& scheduler_;
};

class SimulatedExecutor final : public Executor {
 public:
  explicit SimulatedExecutor(Scheduler& scheduler) : scheduler_(scheduler) {}
  void schedule(absl::Duration delay, std::function<void()> task) override {
    scheduler_.spawn("task", std::move(task), delay + scheduler_.upTo(absl::Milliseconds(2)));
  }

 private:
  Scheduler& scheduler_;
};

}  // namespace strata::simulation
