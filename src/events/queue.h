#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "src/events/event_budget.h"
#include "strata/base/clock.h"
#include "strata/events/event_hub.h"

namespace strata::internal {

// What waits for one subscriber. Events are bounded in number and in bytes, and by the budget of
// their hub; those that do not fit are counted in one gap at the place where they were dropped, and
// later ones follow after it once there is room. Gaps between the same two events are one for each
// reason, so they are bounded too. Thread-safe.
class EventQueue {
 public:
  struct Limits {
    std::size_t max_events = 0;  // at least 1
    std::size_t max_bytes = 0;   // of their charges: an event with a larger one never fits
  };
  struct Pushed {
    bool stored = false;     // the event waits, rather than being counted in a gap
    bool new_gap = false;    // a gap stands in the queue that did not before
    bool was_empty = false;  // call `tellReady` once no lock is held
  };

  // `clock` must outlive it.
  EventQueue(Limits limits, std::function<void()> on_ready, const Clock& clock)
      : limits_(limits), on_ready_(std::move(on_ready)), clock_(clock) {}
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // After `close` both do nothing. Null: the hub has no room for the event.
  Pushed push(const std::shared_ptr<const WaitingEvent>& event);
  Pushed pushGap(EventGap gap);

  // As EventSubscription.
  absl::StatusOr<EventDelivery> next(Deadline deadline);
  std::optional<EventDelivery> tryNext();
  void close();
  bool isClosed() const;

  // Calls `on_ready`. False: it threw, what `thrown` says where it is not null.
  bool tellReady(absl::Status* thrown = nullptr);
  // Closes, and once this has returned `on_ready` is not running and will not be called. Not to be
  // called from there.
  void detach();

 private:
  struct Waiting {
    std::shared_ptr<const WaitingEvent> event;  // null: a gap
    EventGap gap;
  };

  // Charges a place to the budget of the hub.
  bool makeRoom(const WaitingEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Pushed add(Waiting waiting) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  EventDelivery take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Pushed addGap(EventGap gap) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  const std::function<void()> on_ready_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  std::size_t events_ ABSL_GUARDED_BY(mutex_) = 0;  // of those that wait
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;   // the sum of their charges
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int telling_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::internal
