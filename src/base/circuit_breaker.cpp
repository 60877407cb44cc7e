#include "strata/base/circuit_breaker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <random>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "src/base/background.h"
#include "src/base/randomness.h"
#include "src/base/refused_tasks.h"
#include "src/base/starved_wait.h"
#include "src/base/unshared_status.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata {
namespace {

using State = CircuitBreaker::State;

constexpr double kJitter = 0.1;

}  // namespace

absl::Status validate(const CircuitBreakerOptions& options) {
  if (options.failures_to_open < 1) {
    return absl::InvalidArgumentError("circuit breaker: failures_to_open must be at least 1");
  }
  if (options.open_time <= absl::ZeroDuration() || options.open_time > absl::Hours(24)) {
    return absl::InvalidArgumentError(
        "circuit breaker: open_time must be above zero and at most a day");
  }
  if (options.probes_to_close < 1) {
    return absl::InvalidArgumentError("circuit breaker: probes_to_close must be at least 1");
  }
  return absl::OkStatus();
}

const char* toString(State state) {
  switch (state) {
    case State::kClosed:
      return "closed";
    case State::kOpen:
      return "open";
    case State::kHalfOpen:
      return "half-open";
  }
  return "";
}

struct CircuitBreaker::Impl {
  Impl(CircuitBreakerOptions options_in, Probe probe_in, Metrics& metrics, const Clock& clock_in,
       std::shared_ptr<Executor> executor)
      : options(std::move(options_in)),
        probe(std::move(probe_in)),
        clock(clock_in),
        state_gauge(metrics.gauge("strata_breaker_state", {{"breaker", options.name}})),
        transitions{&transition(metrics, State::kClosed), &transition(metrics, State::kOpen),
                    &transition(metrics, State::kHalfOpen)},
        random(static_cast<std::minstd_rand::result_type>(internal::randomSeed())),
        background(std::move(executor), clock) {}

  Counter& transition(Metrics& metrics, State to) const {
    return metrics.counter("strata_breaker_transitions_total",
                           {{"breaker", options.name}, {"to", toString(to)}});
  }

  // Goes over to `to`, and starts a period in which nothing scheduled before counts.
  void enter(State to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    state = to;
    ++period;
    if (to == State::kClosed) ++closings;
    state_gauge.set(static_cast<std::int64_t>(to));
    transitions[static_cast<std::size_t>(to)]->increment();
  }
  // Opens it, and returns when to probe.
  absl::Duration enterOpen(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    enter(State::kOpen);
    last_failure = internal::unshared(why);
    std::uniform_real_distribution<double> part(1 - kJitter, 1 + kJitter);
    const absl::Duration wait = options.open_time * part(random);
    probe_at = clock.now() + wait;
    return wait;
  }
  void tell(State to, const absl::Status& why) const {
    if (why.ok()) {
      log(Severity::kInfo, "strata.breaker.transition",
          {{"breaker", options.name}, {"to", toString(to)}});
    } else {
      log(Severity::kWarning, "strata.breaker.transition",
          {{"breaker", options.name}, {"to", toString(to)}, {"why", describe(why)}});
    }
  }

  void tellOperated(State to, bool is_forced) const {
    log(is_forced ? Severity::kWarning : Severity::kInfo, "strata.breaker.transition",
        {{"breaker", options.name},
         {"to", toString(to)},
         {"by", "operator"},
         {"forced", is_forced}});
  }

  const CircuitBreakerOptions options;
  const Probe probe;
  const Clock& clock;
  Gauge& state_gauge;
  const std::array<Counter*, 3> transitions;

  mutable std::mutex mutex;
  State state ABSL_GUARDED_BY(mutex) = State::kClosed;
  bool forced ABSL_GUARDED_BY(mutex) = false;
  absl::Status last_failure ABSL_GUARDED_BY(mutex);
  MonotonicTime probe_at ABSL_GUARDED_BY(mutex);
  // Counts the states entered: a probe belongs to one of them.
  std::uint64_t period ABSL_GUARDED_BY(mutex) = 0;
  std::uint64_t closings ABSL_GUARDED_BY(mutex) = 0;
  std::minstd_rand random ABSL_GUARDED_BY(mutex);

  internal::Background background;  // last: its tasks use all of the above
};

CircuitBreaker::CircuitBreaker(CircuitBreakerOptions options, Probe probe,
                               const std::shared_ptr<Metrics>& metrics, const Clock& clock,
                               std::shared_ptr<Executor> executor)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(probe), *metrics, clock,
                                   std::move(executor))) {
  internal::countStarvedWaits(metrics);
}

CircuitBreaker::~CircuitBreaker() {
  impl_->background.end();
  // What it guarded is not used any more, so it must not show as one that is down.
  if (status().state != State::kClosed) impl_->state_gauge.set(0);
}

bool CircuitBreaker::refuse() {
  internal::retryRefused();
  return false;
}

absl::Status CircuitBreaker::refusal() const {
  const std::lock_guard lock(impl_->mutex);
  return absl::UnavailableError(
      fmt::format("{}: not asked, the circuit breaker is {}; it failed: {}", impl_->options.name,
                  toString(impl_->state), describe(impl_->last_failure)));
}

void CircuitBreaker::noteFailure(const absl::Status& why) {
  if (failures_.fetch_add(1, std::memory_order_acq_rel) + 1 < impl_->options.failures_to_open) {
    return;
  }
  absl::Duration wait;
  std::uint64_t period = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    // Others were under way when it opened.
    if (impl_->state != State::kClosed || impl_->forced) return;
    wait = impl_->enterOpen(why);
    period = impl_->period;
    allows_.store(false, std::memory_order_release);
  }
  impl_->tell(State::kOpen, why);
  impl_->background.schedule(wait, [this, period] { runProbe(period); });
}

void CircuitBreaker::resetFailures() {
  if (allows()) failures_.store(0, std::memory_order_release);
}

void CircuitBreaker::runProbe(std::uint64_t period) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->period != period) return;
    impl_->enter(State::kHalfOpen);
    period = impl_->period;
  }
  impl_->tell(State::kHalfOpen, absl::OkStatus());
  absl::Status probed;
  for (int i = 0; i < impl_->options.probes_to_close && probed.ok(); ++i) {
    probed = internal::callOut("probe", impl_->probe);
  }

  absl::Duration wait;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->period != period) return;  // an operator was faster
    if (probed.ok()) {
      impl_->enter(State::kClosed);
      failures_.store(0, std::memory_order_release);
      allows_.store(true, std::memory_order_release);
    } else {
      wait = impl_->enterOpen(probed);
      period = impl_->period;
    }
  }
  impl_->tell(probed.ok() ? State::kClosed : State::kOpen, probed);
  if (!probed.ok()) impl_->background.schedule(wait, [this, period] { runProbe(period); });
}

void CircuitBreaker::forceOpen() { operate(State::kOpen, true); }

void CircuitBreaker::forceClosed() { operate(State::kClosed, true); }

void CircuitBreaker::reset() { operate(State::kClosed, false); }

void CircuitBreaker::operate(State to, bool is_forced) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->enter(to);
    impl_->forced = is_forced;
    if (to == State::kOpen) {
      impl_->last_failure = absl::UnavailableError("an operator has opened it");
    }
    failures_.store(0, std::memory_order_release);
    allows_.store(to == State::kClosed, std::memory_order_release);
  }
  impl_->tellOperated(to, is_forced);
}

CircuitBreaker::Status CircuitBreaker::status() const {
  const std::lock_guard lock(impl_->mutex);
  Status status{.state = impl_->state,
                .failures = failures_.load(std::memory_order_acquire),
                .time_to_probe = absl::ZeroDuration(),
                .forced = impl_->forced,
                .closings = impl_->closings};
  if (status.state == State::kOpen) {
    status.time_to_probe =
        status.forced ? absl::InfiniteDuration()
                      : std::max(impl_->probe_at - impl_->clock.now(), absl::ZeroDuration());
  }
  return status;
}

}  // namespace strata
