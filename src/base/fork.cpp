#include "src/base/fork.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

namespace strata::internal {

// Every handler of the process. Its mutex is held from before the fork until after it, so that no
// other thread adds or removes one meanwhile.
class ForkRegistry {
 public:
  static ForkRegistry& instance() {
    static auto* const registry = new ForkRegistry();  // outlives every handler
    return *registry;
  }

  void add(const ForkHandler* handler) {
    const std::lock_guard lock(mutex_);
    handlers_.push_back(handler);
  }
  void remove(const ForkHandler* handler) {
    const std::lock_guard lock(mutex_);
    std::erase(handlers_, handler);
  }
  std::uint64_t generation() const { return generation_.load(std::memory_order_relaxed); }

 private:
  using Hook = std::function<void()> ForkHandler::Hooks::*;

  ForkRegistry() {
    pthread_atfork([] { instance().beforeFork(); }, [] { instance().afterForkInParent(); },
                   [] { instance().afterForkInChild(); });
  }

  void beforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.lock();
    call(&ForkHandler::Hooks::pause);
    call(&ForkHandler::Hooks::lock);
  }
  void afterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    call(&ForkHandler::Hooks::resume_in_parent);
    mutex_.unlock();
  }
  void afterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    generation_.fetch_add(1, std::memory_order_relaxed);
    call(&ForkHandler::Hooks::reset_in_child);
    mutex_.unlock();
  }
  void call(Hook hook) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const ForkHandler* handler : handlers_) {
      const std::function<void()>& call = handler->hooks_.*hook;
      if (call) call();
    }
  }

  std::mutex mutex_;
  std::vector<const ForkHandler*> handlers_ ABSL_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> generation_{0};
};

std::uint64_t forkGeneration() { return ForkRegistry::instance().generation(); }

ForkHandler::ForkHandler(Hooks hooks) : hooks_(std::move(hooks)) {
  ForkRegistry::instance().add(this);
}

ForkHandler::~ForkHandler() { ForkRegistry::instance().remove(this); }

}  // namespace strata::internal
