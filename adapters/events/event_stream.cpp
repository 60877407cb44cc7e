#include "adapters/events/event_stream.h"

#include <string>
#include <utility>

#include "src/base/unshared_status.h"

namespace strata::internal {

absl::Status EventStream::awaitStart(Deadline deadline) {
  std::unique_lock lock(mutex_);
  while (!was_whole_ && ended_.ok() && !deadline.hasPassed(clock_)) {
    clock_.wait(lock, changed_, deadline.time());
  }
  if (was_whole_) return absl::OkStatus();
  owes_gap_ = true;
  return ended_.ok() ? absl::DeadlineExceededError("not connected yet") : unshared(ended_);
}

absl::Status EventStream::state() const {
  const std::lock_guard lock(mutex_);
  if (is_whole_) return absl::OkStatus();
  return ended_.ok() ? absl::UnavailableError("not connected yet") : unshared(ended_);
}

void EventStream::onWhole() {
  bool gap = false;
  absl::Status why;
  {
    const std::lock_guard lock(mutex_);
    is_whole_ = was_whole_ = true;
    gap = std::exchange(owes_gap_, false);
    why = ended_.ok() ? absl::UnavailableError("connected late") : unshared(ended_);
    changed_.notify_all();
  }
  if (gap) receiver_.onGap(why);
  for (const EventMessage& message : std::exchange(early_, {})) {
    receiver_.onMessage(message.channel, message.payload);
  }
}

void EventStream::onEnd(const absl::Status& why) {
  early_.clear();
  const std::lock_guard lock(mutex_);
  owes_gap_ = owes_gap_ || is_whole_;
  is_whole_ = false;
  ended_ = unshared(why);
  changed_.notify_all();
}

void EventStream::onMessage(std::string_view channel, std::string_view payload) {
  bool is_whole = false;
  {
    const std::lock_guard lock(mutex_);
    is_whole = is_whole_;
  }
  if (is_whole) return receiver_.onMessage(channel, payload);
  early_.push_back({std::string(channel), std::string(payload)});
}

}  // namespace strata::internal
