#include "tests/simulation/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstdlib>
#include <iostream>
#include <vector>

namespace strata::simulation {
namespace {

// Sanitizers and unoptimised code need room.
constexpr std::size_t kStackBytes = 256 * 1024;

boost::context::pooled_fixedsize_stack& stacks() {
  static boost::context::pooled_fixedsize_stack pool(kStackBytes);
  return pool;
}

}  // namespace

Scheduler::~Scheduler() {
  // A fiber that is left would be unwound in the middle of the code under test.
  if (!fibers_.empty()) std::abort();
}

void Scheduler::spawn(std::string name, std::function<void()> body, absl::Duration delay) {
  Fiber& fiber = fibers_.emplace_back();
  fiber.name = std::move(name);
  fiber.wake = now_ + delay;
  fiber.context =
      boost::context::fiber(std::allocator_arg, stacks(),
                            [this, body = std::move(body)](boost::context::fiber&& main) mutable {
                              main_ = std::move(main);
                              body();
                              body = nullptr;
                              return std::move(main_);
                            });
}

void Scheduler::print(const std::string& line) const {
  std::cout << fmt::format("{:>12.3f} ms {:>5} {}\n",
                           absl::ToDoubleMilliseconds(absl::Nanoseconds(now_.nanos())), steps_,
                           line);
}

void Scheduler::run() {
  while (true) {
    if (Fiber* const next = pick()) {
      resume(*next);
    } else if (!advance()) {
      return;
    }
  }
}

Scheduler::Fiber* Scheduler::pick() {
  Fiber* picked = nullptr;
  std::uint64_t candidates = 0;
  for (Fiber& fiber : fibers_) {
    const bool due = fiber.wake <= now_;
    const bool may_look = fiber.waits_for != nullptr && fiber.looked_at < steps_;
    if (!due && !may_look) continue;
    // Each of those seen so far is equally likely.
    if (below(++candidates) == 0) picked = &fiber;
  }
  return picked;
}

void Scheduler::resume(Fiber& fiber) {
  const void* const waited_for = std::exchange(fiber.waits_for, nullptr);
  fiber.has_acted = false;
  fiber.looked_at = ++steps_;
  running_ = &fiber;
  fiber.context = std::move(fiber.context).resume();
  running_ = nullptr;
  if (!fiber.context) {
    fibers_.remove_if([&](const Fiber& other) { return &other == &fiber; });
  } else if (waited_for != nullptr && fiber.waits_for == waited_for && !fiber.has_acted) {
    // It looked and found nothing, so the others need not look again.
    --steps_;
    fiber.looked_at = steps_;
  }
}

void Scheduler::park() { main_ = std::move(main_).resume(); }

void Scheduler::sleepUntil(MonotonicTime time) {
  running_->wake = time;
  park();
}

void Scheduler::waitFor(const void* what, MonotonicTime until) {
  running_->wake = until;
  running_->waits_for = what;
  park();
}

void Scheduler::at(MonotonicTime time, std::function<void()> action) {
  actions_.emplace(std::max(time, now_), std::move(action));
}

bool Scheduler::advance() {
  MonotonicTime next = MonotonicTime::max();
  for (const Fiber& fiber : fibers_) next = std::min(next, fiber.wake);
  if (!actions_.empty() && actions_.begin()->first <= next) {
    now_ = std::max(now_, actions_.begin()->first);
    const auto action = std::move(actions_.extract(actions_.begin()).mapped());
    ++steps_;
    action();
    return true;
  }
  if (next == MonotonicTime::max()) return false;
  now_ = next;
  return true;
}

}  // namespace strata::simulation
