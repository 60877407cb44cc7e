#include "strata/base/executor.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "strata/base/clock.h"

namespace strata {
namespace {

// Threads start as tasks find none idle, and stay. They wait on the real clock: whoever moves time
// in a test brings an executor too.
class ThreadedExecutor final : public Executor {
 public:
  explicit ThreadedExecutor(std::size_t max_threads)
      : state_(std::make_shared<State>(std::max<std::size_t>(max_threads, 1))) {}
  ~ThreadedExecutor() override { state_->end(); }
  ThreadedExecutor(const ThreadedExecutor&) = delete;
  ThreadedExecutor& operator=(const ThreadedExecutor&) = delete;

  void schedule(absl::Duration delay, std::function<void()> task) override {
    state_->schedule(Clock::system().now() + delay, std::move(task));
  }

 private:
  // Its threads keep it, for a task may hold the last of the executor.
  class State : public std::enable_shared_from_this<State> {
   public:
    explicit State(std::size_t max_threads) : max_threads_(max_threads) {}

    void schedule(MonotonicTime due, std::function<void()> task) {
      {
        const std::lock_guard lock(mutex_);
        tasks_.emplace(due, std::move(task));
        // An idle one may have been woken for another task already.
        if (idle_ < tasks_.size() && threads_ < max_threads_) {
          ++threads_;
          std::thread([self = shared_from_this()] { self->run(); }).detach();
        }
      }
      changed_.notify_one();
    }

    // Waits for the tasks that are running, unless it is called by one of them.
    void end() {
      std::multimap<MonotonicTime, std::function<void()>> never_run;
      std::unique_lock lock(mutex_);
      ended_ = true;
      never_run.swap(tasks_);
      changed_.notify_all();
      if (own_thread_of == this) return;
      while (threads_ > 0) Clock::system().wait(lock, changed_, MonotonicTime::max());
    }

   private:
    void run() {
      own_thread_of = this;
      std::unique_lock lock(mutex_);
      while (!ended_) runOne(lock);
      --threads_;
      changed_.notify_all();
    }

    void runOne(std::unique_lock<std::mutex>& lock) {
      if (!tasks_.empty() && tasks_.begin()->first <= Clock::system().now()) {
        std::function<void()> task = std::move(tasks_.extract(tasks_.begin()).mapped());
        lock.unlock();
        task();
        task = nullptr;  // what it holds may call out as it goes
        lock.lock();
        return;
      }
      const MonotonicTime next = tasks_.empty() ? MonotonicTime::max() : tasks_.begin()->first;
      ++idle_;
      Clock::system().wait(lock, changed_, next);
      --idle_;
    }

    static thread_local const State* own_thread_of;

    const std::size_t max_threads_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<MonotonicTime, std::function<void()>> tasks_
        ABSL_GUARDED_BY(mutex_);  // by when they are due
    std::size_t threads_ ABSL_GUARDED_BY(mutex_) = 0;
    std::size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
    bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  };

  const std::shared_ptr<State> state_;
};

thread_local const ThreadedExecutor::State* ThreadedExecutor::State::own_thread_of = nullptr;

constexpr std::size_t kMaxSharedThreads = 4;

std::shared_ptr<Executor> makeSharedExecutor() {
  return std::make_shared<ThreadedExecutor>(kMaxSharedThreads);
}

// Leaked on purpose: its threads run until the process ends.
std::shared_ptr<Executor>& sharedExecutor() {
  static auto* const executor = new std::shared_ptr<Executor>(makeSharedExecutor());
  return *executor;
}

// A child of fork() has none of its parent's threads, and perhaps its locks taken.
void replaceInChild() {
  auto* const parents = new std::shared_ptr<Executor>(std::move(sharedExecutor()));
  static_cast<void>(parents);  // leaked: it may be locked for ever
  sharedExecutor() = makeSharedExecutor();
}

}  // namespace

const std::shared_ptr<Executor>& Executor::shared() {
  static const int registered = pthread_atfork(nullptr, nullptr, replaceInChild);
  static_cast<void>(registered);
  return sharedExecutor();
}

std::shared_ptr<Executor> Executor::withThreads(std::size_t max_threads) {
  return std::make_shared<ThreadedExecutor>(max_threads);
}

}  // namespace strata
