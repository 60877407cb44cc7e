#include "src/events/event_budget.h"

#include <cstdint>

namespace strata::internal {

bool EventBudget::take(std::size_t bytes) {
  std::size_t used = used_.load();
  do {
    if (bytes > max_bytes_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  show();
  return true;
}

void EventBudget::giveBack(std::size_t bytes) {
  used_.fetch_sub(bytes);
  show();
}

// The thread that sets the gauge last reads afterwards that nothing has changed since, so the gauge
// does not keep an old value.
void EventBudget::show() {
  if (gauge_ == nullptr) return;
  std::size_t shown = used_.load();
  while (true) {
    gauge_->set(static_cast<std::int64_t>(shown));
    const std::size_t now = used_.load();
    if (now == shown) return;
    shown = now;
  }
}

std::shared_ptr<const WaitingEvent> WaitingEvent::make(std::shared_ptr<const Event> event,
                                                       std::shared_ptr<EventBudget> budget) {
  const std::size_t charge = chargeOf(*event);
  if (!budget->take(charge)) return nullptr;
  return std::shared_ptr<const WaitingEvent>(
      new WaitingEvent(std::move(event), std::move(budget), charge));
}

}  // namespace strata::internal
