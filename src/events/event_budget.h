#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "strata/base/metrics.h"
#include "strata/events/event.h"

namespace strata::internal {

// What an event takes besides its data: its other members at their longest, and its objects.
constexpr std::size_t kEventOverhead = 512;
// What its place in a queue takes.
constexpr std::size_t kPlaceInQueue = 64;

inline std::size_t chargeOf(const Event& event) {
  return event.data.text().size() + kEventOverhead;
}

// Bounds the memory of the events that wait in the queues of a hub. An event is charged once, in
// however many queues it waits, and each of these places a little: events are shared, so 10 000
// subscribers of a channel that are one event behind hold one event. Thread-safe.
class EventBudget {
 public:
  // `used`: shows the bytes that are charged; belongs to `metrics`. Both may be null.
  explicit EventBudget(std::size_t max_bytes, std::shared_ptr<Metrics> metrics = nullptr,
                       Gauge* used = nullptr)
      : max_bytes_(max_bytes), metrics_(std::move(metrics)), gauge_(used) {}

  // False: there is no room, and nothing is charged.
  bool take(std::size_t bytes);
  void giveBack(std::size_t bytes);
  std::size_t used() const { return used_.load(); }

 private:
  void show();

  const std::size_t max_bytes_;
  const std::shared_ptr<Metrics> metrics_;
  Gauge* const gauge_;
  std::atomic<std::size_t> used_{0};
};

// An event that waits in queues of one hub, charged to its budget until the last of them lets go of
// it.
class WaitingEvent {
 public:
  // Null: the budget has no room.
  static std::shared_ptr<const WaitingEvent> make(std::shared_ptr<const Event> event,
                                                  std::shared_ptr<EventBudget> budget);
  ~WaitingEvent() { budget_->giveBack(charge_); }
  WaitingEvent(const WaitingEvent&) = delete;
  WaitingEvent& operator=(const WaitingEvent&) = delete;

  const std::shared_ptr<const Event>& event() const { return event_; }
  // In bytes.
  std::size_t charge() const { return charge_; }
  EventBudget& budget() const { return *budget_; }

 private:
  WaitingEvent(std::shared_ptr<const Event> event, std::shared_ptr<EventBudget> budget,
               std::size_t charge)
      : event_(std::move(event)), budget_(std::move(budget)), charge_(charge) {}

  const std::shared_ptr<const Event> event_;
  const std::shared_ptr<EventBudget> budget_;
  const std::size_t charge_;
};

}  // namespace strata::internal
