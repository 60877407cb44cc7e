#include "src/base/background_jobs.h"

#include <system_error>
#include <thread>
#include <utility>

namespace strata::internal {

void BackgroundJobs::State::finishOne() {
  // Notified under the lock: who waits may destroy nothing, for the jobs share this state, but must
  // not miss it either.
  const std::lock_guard lock(mutex);
  --running;
  idle.notify_all();
}

void BackgroundJobs::State::resetInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  abandon(mutex);
  abandon(idle);
  running = 0;
}

absl::Status BackgroundJobs::start(std::function<void()> job) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->running == state_->limit) {
      return absl::ResourceExhaustedError("too many background jobs");
    }
    ++state_->running;
  }
  try {
    std::thread([state = state_, job = std::move(job)]() mutable {
      job();
      job = nullptr;  // what it owns goes before anyone hears that it is done
      state->finishOne();
    }).detach();
  } catch (const std::system_error&) {
    state_->finishOne();
    return absl::ResourceExhaustedError("no more threads");
  }
  return absl::OkStatus();
}

bool BackgroundJobs::drain(absl::Duration timeout) {
  std::unique_lock lock(state_->mutex);
  return state_->idle.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                               [this] { return state_->running == 0; });
}

}  // namespace strata::internal
