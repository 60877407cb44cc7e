// UserWarming: the five lists of a user's context are read into the cache at the user's first request, so
// that the context, which comes later, finds them there.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "strata/base/executor.h"
#include "strata/stores/clarify/context_sources.h"

namespace copilot {

// Thread-safe. It has one thread of its own: a slow database must not keep the library's threads, which
// probe breakers and retry deletions. Its destruction waits for the user that is being warmed, five
// seconds at most.
class UserWarming {
 public:
  explicit UserWarming(strata::ContextSources sources, std::shared_ptr<strata::Executor> executor =
                                                           strata::Executor::withThreads(1));

  // Does not wait. Does nothing for a user seen before (a process remembers 100 000), and nothing
  // while 100 users wait.
  void onRequest(const std::string& user_id);

 private:
  bool isFirst(const std::string& user_id);

  const strata::ContextSources sources_;
  // Users that wait; the tasks share it.
  const std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
  std::mutex mutex_;
  std::set<std::string> seen_ ABSL_GUARDED_BY(mutex_);
  const std::shared_ptr<strata::Executor> executor_;  // last: it ends first
};

}  // namespace copilot
