// Deadline: the moment after which a caller no longer wants an answer.
//
//   store.get(id, {.deadline = Deadline::in(absl::Milliseconds(50))});
//
// A deadline is absolute, so it is handed down a stack unchanged and every layer sees what is left.
// A call whose deadline has passed does no I/O and answers DeadlineExceeded.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "strata/base/clock.h"

namespace strata {

class Deadline {
 public:
  // Never passes. Every component still has its own timeout below it.
  constexpr Deadline() = default;
  static constexpr Deadline never() { return {}; }
  static constexpr Deadline at(MonotonicTime time) { return Deadline(time); }
  // `timeout` from now on `clock`; an absl::InfiniteDuration() never passes.
  static Deadline in(absl::Duration timeout, const Clock& clock = Clock::system()) {
    return timeout == absl::InfiniteDuration() ? never() : Deadline(clock.now() + timeout);
  }

  constexpr bool isNever() const { return time_ == MonotonicTime::max(); }
  constexpr MonotonicTime time() const { return time_; }
  // Reads the clock only when there is a deadline.
  bool hasPassed(const Clock& clock = Clock::system()) const {
    return !isNever() && clock.now() >= time_;
  }
  // What is left: zero when passed, at most `limit`.
  absl::Duration remaining(absl::Duration limit, const Clock& clock = Clock::system()) const {
    if (isNever()) return limit;
    return std::clamp(time_ - clock.now(), absl::ZeroDuration(), limit);
  }
  friend constexpr Deadline earlier(Deadline a, Deadline b) { return a.time_ < b.time_ ? a : b; }

 private:
  constexpr explicit Deadline(MonotonicTime time) : time_(time) {}
  MonotonicTime time_ = MonotonicTime::max();
};

}  // namespace strata
