// BackgroundJobs: short jobs on threads of their own, for calls of other libraries that block
// without a timeout (resolving a name; libpq's connecting and cancelling) and that no caller with a
// deadline can afford to make.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "src/base/fork.h"

namespace strata::internal {

// Thread-safe.
class BackgroundJobs {
 public:
  // At most `limit` jobs run at once. A job counts until its thread is done with it, which is a
  // little later than whatever it tells others: a limit needs room for that, or is left away.
  explicit BackgroundJobs(std::size_t limit = std::numeric_limits<std::size_t>::max())
      : state_(std::make_shared<State>(limit)) {}

  // Runs `job` now on a new thread. A job must own all that it uses: it may outlive this object,
  // when a frozen server keeps it. ResourceExhausted, and `job` is dropped, when as many jobs as
  // the limit run already or the system gives no thread.
  absl::Status start(std::function<void()> job);

  // Waits until no job runs; false when some still do after `timeout`.
  bool drain(absl::Duration timeout);

 private:
  struct State {
    explicit State(std::size_t most) : limit(most) {}
    void finishOne();
    // After a fork the jobs run in the parent alone.
    void resetInChild();

    const std::size_t limit;
    std::mutex mutex;
    std::condition_variable idle;
    std::size_t running ABSL_GUARDED_BY(mutex) = 0;
    const ForkHandler fork_handler{{.reset_in_child = [this] { resetInChild(); }}};
  };

  const std::shared_ptr<State> state_;
};

}  // namespace strata::internal
