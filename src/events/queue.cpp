#include "src/events/queue.h"

#include <utility>

#include "strata/base/internal/user_calls.h"

namespace strata::internal {

EventQueue::~EventQueue() {
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty()) take();
}

EventQueue::Pushed EventQueue::push(const std::shared_ptr<const WaitingEvent>& event) {
  const std::lock_guard lock(mutex_);
  if (closed_) return {};
  if (event == nullptr || !makeRoom(*event)) {
    return addGap({.reason = EventGap::Reason::kSlow, .missed = 1});
  }
  ++events_;
  bytes_ += event->charge();
  Pushed pushed = add({.event = event, .gap = {}});
  pushed.stored = true;
  return pushed;
}

bool EventQueue::makeRoom(const WaitingEvent& event) {
  return events_ < limits_.max_events && event.charge() <= limits_.max_bytes - bytes_ &&
         event.budget().take(kPlaceInQueue);
}

EventQueue::Pushed EventQueue::add(Waiting waiting) {
  const Pushed pushed{.was_empty = waiting_.empty() && on_ready_ != nullptr};
  waiting_.push_back(std::move(waiting));
  changed_.notify_one();
  return pushed;
}

EventQueue::Pushed EventQueue::pushGap(EventGap gap) {
  const std::lock_guard lock(mutex_);
  return closed_ ? Pushed{} : addGap(gap);
}

EventQueue::Pushed EventQueue::addGap(EventGap gap) {
  for (auto last = waiting_.rbegin(); last != waiting_.rend(); ++last) {
    if (last->event != nullptr) break;
    if (last->gap.reason != gap.reason) continue;
    last->gap.missed += gap.missed;
    return {};
  }
  Pushed pushed = add({.event = nullptr, .gap = gap});
  pushed.new_gap = true;
  return pushed;
}

EventDelivery EventQueue::take() {
  const Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  if (first.event == nullptr) return {.event = nullptr, .gap = first.gap};
  --events_;
  bytes_ -= first.event->charge();
  first.event->budget().giveBack(kPlaceInQueue);
  return {.event = first.event->event(), .gap = {}};
}

absl::StatusOr<EventDelivery> EventQueue::next(Deadline deadline) {
  std::unique_lock lock(mutex_);
  while (waiting_.empty()) {
    if (closed_) return absl::CancelledError("the subscription has ended");
    if (deadline.hasPassed(clock_)) return absl::DeadlineExceededError("no event came");
    clock_.wait(lock, changed_, deadline.time());
  }
  return take();
}

std::optional<EventDelivery> EventQueue::tryNext() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  return take();
}

void EventQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool EventQueue::isClosed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

bool EventQueue::tellReady(absl::Status* thrown) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return true;
    ++telling_;
  }
  const absl::Status told = callOut("on_ready", on_ready_);
  if (thrown != nullptr) *thrown = told;
  const std::lock_guard lock(mutex_);
  if (--telling_ == 0) changed_.notify_all();
  return told.ok();
}

void EventQueue::detach() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  while (telling_ > 0) clock_.wait(lock, changed_, MonotonicTime::max());
}

}  // namespace strata::internal
