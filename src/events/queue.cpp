#include "src/events/queue.h"

#include <utility>

#include "strata/base/internal/user_calls.h"

namespace strata::internal {

EventQueue::Pushed EventQueue::push(const std::shared_ptr<const Event>& event) {
  const std::lock_guard lock(mutex_);
  if (closed_) return {};
  if (events_ >= max_events_) return addGap({.reason = EventGap::Reason::kSlow, .missed = 1});
  const Pushed pushed{.stored = true, .was_empty = deliveries_.empty() && on_ready_ != nullptr};
  deliveries_.push_back({.event = event, .gap = {}});
  ++events_;
  changed_.notify_one();
  return pushed;
}

EventQueue::Pushed EventQueue::pushGap(EventGap gap) {
  const std::lock_guard lock(mutex_);
  return closed_ ? Pushed{} : addGap(gap);
}

EventQueue::Pushed EventQueue::addGap(EventGap gap) {
  for (auto last = deliveries_.rbegin(); last != deliveries_.rend(); ++last) {
    if (last->event != nullptr) break;
    if (last->gap.reason != gap.reason) continue;
    last->gap.missed += gap.missed;
    return {};
  }
  const Pushed pushed{.new_gap = true, .was_empty = deliveries_.empty() && on_ready_ != nullptr};
  deliveries_.push_back({.event = nullptr, .gap = gap});
  changed_.notify_one();
  return pushed;
}

EventDelivery EventQueue::take() {
  EventDelivery delivery = std::move(deliveries_.front());
  deliveries_.pop_front();
  if (delivery.event != nullptr) --events_;
  return delivery;
}

absl::StatusOr<EventDelivery> EventQueue::next(Deadline deadline) {
  std::unique_lock lock(mutex_);
  while (deliveries_.empty()) {
    if (closed_) return absl::CancelledError("the subscription has ended");
    if (deadline.hasPassed(clock_)) return absl::DeadlineExceededError("no event came");
    clock_.wait(lock, changed_, deadline.time());
  }
  return take();
}

std::optional<EventDelivery> EventQueue::tryNext() {
  const std::lock_guard lock(mutex_);
  if (deliveries_.empty()) return std::nullopt;
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
