#include "strata/testing/fakes/fake_executor.h"

#include <utility>

namespace strata::testing {

void FakeExecutor::schedule(absl::Duration delay, std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.emplace(clock_.now() + delay, std::move(task));
}

std::size_t FakeExecutor::runDue() {
  std::size_t count = 0;
  while (runNext(clock_.now())) ++count;
  return count;
}

std::size_t FakeExecutor::advance(absl::Duration duration) {
  const MonotonicTime until = clock_.now() + duration;
  std::size_t count = 0;
  while (runNext(until)) ++count;
  if (clock_.now() < until) clock_.advance(until - clock_.now());
  return count;
}

std::size_t FakeExecutor::size() const {
  const std::lock_guard lock(mutex_);
  return tasks_.size();
}

bool FakeExecutor::runNext(MonotonicTime until) {
  std::function<void()> task;
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty() || tasks_.begin()->first > until) return false;
    const MonotonicTime due = tasks_.begin()->first;
    if (clock_.now() < due) clock_.advance(due - clock_.now());
    task = std::move(tasks_.extract(tasks_.begin()).mapped());
  }
  task();
  return true;
}

}  // namespace strata::testing
