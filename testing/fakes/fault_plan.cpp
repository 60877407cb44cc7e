#include "strata/testing/fakes/fault_plan.h"

#include <utility>

namespace strata::testing {

FaultPlan::FaultPlan(std::uint64_t seed, const Clock& clock) : clock_(clock), random_(seed) {}

void FaultPlan::failCall(StoreOperation operation, int n, Fault fault) {
  const std::lock_guard lock(mutex_);
  Behaviour& behaviour = of(operation);
  behaviour.by_call[behaviour.calls + n] = std::move(fault);
}

void FaultPlan::failFraction(StoreOperation operation, double fraction, Fault fault) {
  const std::lock_guard lock(mutex_);
  of(operation).fraction = fraction;
  of(operation).fraction_fault = std::move(fault);
}

void FaultPlan::failAll(StoreOperation operation, Fault fault) {
  const std::lock_guard lock(mutex_);
  of(operation).all = std::move(fault);
}

void FaultPlan::failEverything(Fault fault) {
  const std::lock_guard lock(mutex_);
  for (Behaviour& behaviour : behaviours_) behaviour.all = fault;
}

void FaultPlan::delayAll(StoreOperation operation, absl::Duration delay) {
  const std::lock_guard lock(mutex_);
  of(operation).delay = delay;
}

void FaultPlan::heal() {
  const std::lock_guard lock(mutex_);
  for (Behaviour& behaviour : behaviours_) {
    behaviour.by_call.clear();
    behaviour.fraction = 0;
    behaviour.all.reset();
    behaviour.delay = absl::ZeroDuration();
  }
}

void FaultPlan::before(StoreOperation operation, Hook hook) {
  const std::lock_guard lock(mutex_);
  of(operation).before = std::move(hook);
}

void FaultPlan::after(StoreOperation operation, Hook hook) {
  const std::lock_guard lock(mutex_);
  of(operation).after = std::move(hook);
}

int FaultPlan::calls(StoreOperation operation) const {
  const std::lock_guard lock(mutex_);
  return behaviours_[static_cast<std::size_t>(operation)].calls;
}

int FaultPlan::failures(StoreOperation operation) const {
  const std::lock_guard lock(mutex_);
  return behaviours_[static_cast<std::size_t>(operation)].failures;
}

std::optional<Fault> FaultPlan::enter(StoreOperation operation) {
  std::optional<Fault> fault;
  absl::Duration delay;
  Hook hook;
  {
    const std::lock_guard lock(mutex_);
    Behaviour& behaviour = of(operation);
    ++behaviour.calls;
    fault = nextFault(behaviour);
    if (fault) ++behaviour.failures;
    delay = behaviour.delay;
    hook = behaviour.before;
  }
  if (delay > absl::ZeroDuration()) clock_.sleepFor(delay);
  if (hook) hook();
  return fault;
}

void FaultPlan::leave(StoreOperation operation) {
  Hook hook;
  {
    const std::lock_guard lock(mutex_);
    hook = of(operation).after;
  }
  if (hook) hook();
}

// With the mutex held.
std::optional<Fault> FaultPlan::nextFault(Behaviour& behaviour) {
  if (const auto single = behaviour.by_call.extract(behaviour.calls)) return single.mapped();
  if (behaviour.fraction > 0 &&
      std::uniform_real_distribution<double>()(random_) < behaviour.fraction) {
    return behaviour.fraction_fault;
  }
  return behaviour.all;
}

}  // namespace strata::testing
