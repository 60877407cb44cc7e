#include "strata/base/executor.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "src/base/fork.h"
#include "src/base/refused_tasks.h"
#include "strata/base/clock.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata {
namespace {

// How long a fork waits for tasks that are running. One that takes longer, a slow call of a backend,
// may leave a mutex locked in the child.
constexpr absl::Duration kLongestPause = absl::Seconds(1);

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
  bool trySchedule(absl::Duration delay, std::function<void()> task) override {
    return state_->trySchedule(Clock::system().now() + delay, std::move(task));
  }

 private:
  // Its threads keep it, for a task may hold the last of the executor.
  class State : public std::enable_shared_from_this<State> {
   public:
    explicit State(std::size_t max_threads) : max_threads_(max_threads) {}

    void schedule(MonotonicTime due, std::function<void()> task) {
      bool has_thread = true;
      {
        const std::lock_guard lock(mutex_);
        tasks_.emplace(due, std::move(task));
        has_thread = startThreadIfNeeded();
        if (!has_thread && std::exchange(waits_for_thread_, true)) return;
      }
      changed_.notify_one();
      if (has_thread) return;
      internal::keepRefused([state = weak_from_this()] {
        const auto self = state.lock();
        return self == nullptr || self->startThreadForKept();
      });
    }

    bool trySchedule(MonotonicTime due, std::function<void()> task) {
      decltype(tasks_)::node_type refused;  // destroyed without the mutex
      {
        const std::lock_guard lock(mutex_);
        const auto added = tasks_.emplace(due, std::move(task));
        if (!startThreadIfNeeded()) refused = tasks_.extract(added);
      }
      changed_.notify_one();
      return refused.empty();
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

    // Returns with the mutex locked, and as good as always no task running.
    void pauseForFork() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      std::unique_lock lock(mutex_);
      paused_ = true;
      const std::size_t own = own_thread_of == this ? 1 : 0;
      changed_.wait_for(lock, absl::ToChronoNanoseconds(kLongestPause),
                        [&] { return threads_ - idle_ <= own; });
      lock.release();
    }
    void resumeInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      paused_ = false;
      changed_.notify_all();
      mutex_.unlock();
    }
    // Tasks that have not begun are the child's, too: each changes an object that was copied.
    void resetInChild() {
      internal::abandon(mutex_);
      internal::abandon(changed_);
      paused_ = false;
      threads_ = 0;
      idle_ = 0;
      own_thread_of = nullptr;
      if (!tasks_.empty()) startThreadIfNeeded();  // where that fails, the next task tries again
    }

   private:
    // Whether there is a thread, which may have other tasks before this one.
    bool startThreadIfNeeded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      // An idle one may have been woken for another task already.
      if (idle_ >= tasks_.size() || threads_ >= max_threads_) return true;
      try {
        std::thread([self = shared_from_this()] { self->run(); }).detach();
        ++threads_;  // it begins with this mutex
      } catch (const std::exception&) {
        // The system gives none, or no memory for one.
      }
      return threads_ > 0;
    }

    // Whether the tasks that were kept have a thread now.
    bool startThreadForKept() {
      const std::lock_guard lock(mutex_);
      waits_for_thread_ = !ended_ && !tasks_.empty() && !startThreadIfNeeded();
      return !waits_for_thread_;
    }

    void run() {
      own_thread_of = this;
      std::unique_lock lock(mutex_);
      while (!ended_) runOne(lock);
      --threads_;
      changed_.notify_all();
    }

    void runOne(std::unique_lock<std::mutex>& lock) {
      const bool is_due = !tasks_.empty() && tasks_.begin()->first <= Clock::system().now();
      if (is_due && !paused_) {
        std::function<void()> task = std::move(tasks_.extract(tasks_.begin()).mapped());
        lock.unlock();
        runTask(std::move(task));
        lock.lock();
        return;
      }
      const bool has_next = !tasks_.empty() && !paused_;
      const MonotonicTime next = has_next ? tasks_.begin()->first : MonotonicTime::max();
      ++idle_;
      if (paused_) changed_.notify_all();
      Clock::system().wait(lock, changed_, next);
      --idle_;
    }

    // What it holds is destroyed here, too, and may call out as it goes.
    static void runTask(std::function<void()> task) {
      const absl::Status ran = internal::callOut("task", [&] {
        task();
        task = nullptr;
      });
      if (!ran.ok()) log(Severity::kError, "strata.executor.task_threw", {{"why", describe(ran)}});
    }

    static thread_local const State* own_thread_of;

    const std::size_t max_threads_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<MonotonicTime, std::function<void()>> tasks_
        ABSL_GUARDED_BY(mutex_);  // by when they are due
    std::size_t threads_ ABSL_GUARDED_BY(mutex_) = 0;
    std::size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
    // No thread could be started for what is in `tasks_`: it is among the refused tasks.
    bool waits_for_thread_ ABSL_GUARDED_BY(mutex_) = false;
    bool paused_ ABSL_GUARDED_BY(mutex_) = false;
    bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  };

  const std::shared_ptr<State> state_;
  const internal::ForkHandler fork_handler_{{
      .pause = [state = state_.get()] { state->pauseForFork(); },
      .resume_in_parent = [state = state_.get()] { state->resumeInParent(); },
      .reset_in_child = [state = state_.get()] { state->resetInChild(); },
  }};
};

thread_local const ThreadedExecutor::State* ThreadedExecutor::State::own_thread_of = nullptr;

constexpr std::size_t kMaxSharedThreads = 4;

}  // namespace

bool Executor::trySchedule(absl::Duration delay, std::function<void()> task) {
  return internal::callOut("executor", [&] { schedule(delay, std::move(task)); }).ok();
}

// Leaked on purpose: its threads run until the process ends.
const std::shared_ptr<Executor>& Executor::shared() {
  static auto* const executor =
      new std::shared_ptr<Executor>(std::make_shared<ThreadedExecutor>(kMaxSharedThreads));
  return *executor;
}

std::shared_ptr<Executor> Executor::withThreads(std::size_t max_threads) {
  return std::make_shared<ThreadedExecutor>(max_threads);
}

}  // namespace strata
