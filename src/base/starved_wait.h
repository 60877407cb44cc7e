// StarvedWait: tells a server that does not answer from a thread of this process that was not run.
//
//   StarvedWait wait("redis_command");
//   while (!answerBy(until)) {                                    // looks once more at the end
//     if (!wait.repeats({.until = until, .timeout = timeout})) return wait.judge(timedOut());
//     until = std::chrono::steady_clock::now() + timeout;
//   }
//
// With more threads to run than processors, in a container that has used up its share of them, or
// while a process is stopped, a thread may wake long after its timeout, or spend all of it before
// it begins to wait. Nothing follows from that about the server. So a wait that began or ended
// later than planned by more than max(10 ms, half the timeout) is repeated once with its whole
// timeout, and counted in the metric strata_starved_waits_total. Another one in a row is not
// repeated, but marked, so that no circuit breaker counts it.
//
// Costs nothing while servers answer: the clock is read only after a timeout.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>

#include "absl/status/status.h"
#include "strata/base/metrics.h"

namespace strata::internal {

using SteadyTime = std::chrono::steady_clock::time_point;

// By how much a wait of that timeout may begin or end too late and still tell about the server.
std::chrono::nanoseconds toleratedDelay(std::chrono::nanoseconds timeout);

// For one thread at a time.
class StarvedWait {
 public:
  struct Plan {
    // When the server was to have answered, having had `timeout` until then.
    SteadyTime until;
    std::chrono::nanoseconds timeout;
    // When the wait began, where it was to begin as soon as the server was asked.
    SteadyTime began = until - timeout;
    SteadyTime now = std::chrono::steady_clock::now();
  };

  // `what` is a label of the metric: a literal, one of a small set.
  explicit StarvedWait(const char* what) : what_(what) {}

  // After a wait without an answer: whether to wait for as long once more.
  bool repeats(const Plan& plan);
  // The server has answered: from here on another wait may be repeated.
  void answered() { was_repeated_ = false; }
  // Whether the last wait was starved, repeated or not.
  bool isStarved() const { return is_starved_; }
  // `status`, marked if so.
  absl::Status judge(const absl::Status& status) const;

 private:
  const char* const what_;
  bool was_repeated_ = false;
  bool is_starved_ = false;
};

// The same for several waits in a row that share a timeout, as in connecting: while it lives, the
// waits of this thread for a socket are repeated where they were starved, one of them, never past
// the caller's own deadline. For one thread, as a local variable.
class StarvedWaitScope {
 public:
  StarvedWaitScope(const char* what, std::chrono::nanoseconds timeout, SteadyTime deadline);
  ~StarvedWaitScope();
  StarvedWaitScope(const StarvedWaitScope&) = delete;
  StarvedWaitScope& operator=(const StarvedWaitScope&) = delete;

  // The innermost one of this thread; null: none.
  static StarvedWaitScope* current();

  // When a wait ends that was to end at `until`.
  SteadyTime endOf(SteadyTime until) const { return std::max(until, renewed_); }
  // After a wait until then that brought nothing: whether to go on, until endOf.
  bool repeats(SteadyTime until);
  absl::Status judge(const absl::Status& status) const { return wait_.judge(status); }
  bool isStarved() const { return wait_.isStarved(); }

 private:
  StarvedWait wait_;
  const std::chrono::nanoseconds timeout_;
  const SteadyTime deadline_;
  SteadyTime renewed_ = SteadyTime::min();
  StarvedWaitScope* const outer_;
};

// Whether a failure is marked: it says nothing about the server. annotate() keeps the mark.
bool isStarved(const absl::Status& status);
absl::Status markStarved(absl::Status status);

// Counts a starved wait in every Metrics given to the function below, and logs one a minute.
// Thread-safe.
void noteStarvedWait(const char* what);
// From now on the starved waits of this process are counted there, too, for as long as it lives.
// Thread-safe.
void countStarvedWaits(const std::shared_ptr<Metrics>& metrics);

}  // namespace strata::internal
