#include "strata/core/executor.h"

#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "strata/core/clock.h"

namespace strata {
namespace {

// Threads start as tasks find none idle, and stay. They wait on the real clock: whoever moves time
// in a test brings an executor too.
class SharedExecutor final : public Executor {
 public:
  void schedule(absl::Duration delay, std::function<void()> task) override {
    const MonotonicTime due = Clock::system().now() + delay;
    {
      const std::lock_guard lock(mutex_);
      tasks_.emplace(due, std::move(task));
      // An idle one may have been woken for another task already.
      if (idle_ < tasks_.size() && threads_ < kMaxThreads) {
        ++threads_;
        std::thread([this] { run(); }).detach();
      }
    }
    changed_.notify_one();
  }

 private:
  static constexpr std::size_t kMaxThreads = 4;

  [[noreturn]] void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (!tasks_.empty() && tasks_.begin()->first <= Clock::system().now()) {
        std::function<void()> task = std::move(tasks_.extract(tasks_.begin()).mapped());
        lock.unlock();
        task();
        task = nullptr;  // what it holds may call out as it goes
        lock.lock();
        continue;
      }
      const MonotonicTime next = tasks_.empty() ? MonotonicTime::max() : tasks_.begin()->first;
      ++idle_;
      Clock::system().wait(lock, changed_, next);
      --idle_;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<MonotonicTime, std::function<void()>> tasks_;  // by when they are due
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

// Leaked on purpose: its threads run until the process ends.
std::shared_ptr<Executor>& sharedExecutor() {
  static auto* const executor = new std::shared_ptr<Executor>(std::make_shared<SharedExecutor>());
  return *executor;
}

// A child of fork() has none of its parent's threads, and perhaps its locks taken.
void replaceInChild() {
  auto* const parents = new std::shared_ptr<Executor>(std::move(sharedExecutor()));
  static_cast<void>(parents);  // leaked: it may be locked for ever
  sharedExecutor() = std::make_shared<SharedExecutor>();
}

}  // namespace

const std::shared_ptr<Executor>& Executor::shared() {
  static const int registered = pthread_atfork(nullptr, nullptr, replaceInChild);
  static_cast<void>(registered);
  return sharedExecutor();
}

}  // namespace strata
