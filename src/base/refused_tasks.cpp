#include "src/base/refused_tasks.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "src/base/fork.h"
#include "strata/base/clock.h"

namespace strata::internal {

namespace refused_tasks {
std::atomic<std::size_t> count{0};
}  // namespace refused_tasks

namespace {

// An attempt that fails costs about 20 us.
constexpr absl::Duration kBetweenAttempts = absl::Milliseconds(10);

class RefusedTasks {
 public:
  static RefusedTasks& instance() {
    static auto* const tasks = new RefusedTasks();  // outlives every executor
    return *tasks;
  }

  void keep(std::function<bool()> offer) {
    const std::lock_guard lock(mutex_);
    offers_.push_back(std::move(offer));
    publish();
  }

  void retry() {
    std::vector<std::function<bool()>> offers;
    {
      const std::lock_guard lock(mutex_);
      const MonotonicTime now = Clock::system().now();
      if (now < next_attempt_) return;
      next_attempt_ = now + kBetweenAttempts;
      offers.swap(offers_);
    }
    std::erase_if(offers, [](const auto& offer) { return offer(); });
    const std::lock_guard lock(mutex_);
    std::move(offers.begin(), offers.end(), std::back_inserter(offers_));
    publish();
  }

 private:
  void publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    refused_tasks::count.store(offers_.size(), std::memory_order_relaxed);
  }

  std::mutex mutex_;
  std::vector<std::function<bool()>> offers_ ABSL_GUARDED_BY(mutex_);
  MonotonicTime next_attempt_ ABSL_GUARDED_BY(mutex_);
  const ForkHandler fork_handler_{{.lock = [this] { mutex_.lock(); },
                                   .resume_in_parent = [this] { mutex_.unlock(); },
                                   .reset_in_child = [this] { mutex_.unlock(); }}};
};

}  // namespace

void keepRefused(std::function<bool()> offer) { RefusedTasks::instance().keep(std::move(offer)); }

void refused_tasks::retry() { RefusedTasks::instance().retry(); }

}  // namespace strata::internal
