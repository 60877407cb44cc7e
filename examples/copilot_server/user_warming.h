// UserWarming: the five lists of a user's context are read into the cache at the user's first request, so
// that the context, which comes later, finds them there.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "strata/base/executor.h"
#include "strata/stores/clarify/context_sources.h"

namespace copilot {

// Thread-safe. What it has scheduled goes on after its end.
class UserWarming {
 public:
  explicit UserWarming(strata::ContextSources sources,
                       std::shared_ptr<strata::Executor> executor = strata::Executor::shared());

  // Does not wait. Of a user seen before it does nothing; a process remembers 100 000.
  void onRequest(const std::string& user_id);

 private:
  bool isFirst(const std::string& user_id);

  const strata::ContextSources sources_;
  const std::shared_ptr<strata::Executor> executor_;
  std::mutex mutex_;
  std::set<std::string> seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace copilot
