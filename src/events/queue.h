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
#include "strata/base/clock.h"
#include "strata/events/event_hub.h"

namespace strata::internal {

// What waits for one subscriber. Events are bounded; those that do not fit are counted in one gap
// at the place where they were dropped, and later ones follow after it once there is room. Gaps
// between the same two events are one for each reason, so they are bounded too. Thread-safe.
class EventQueue {
 public:
  struct Pushed {
    bool stored = false;     // the event waits, rather than being counted in a gap
    bool new_gap = false;    // a gap stands in the queue that did not before
    bool was_empty = false;  // call `tellReady` once no lock is held
  };

  // `max_events`: at least 1. `clock` must outlive it.
  EventQueue(std::size_t max_events, std::function<void()> on_ready, const Clock& clock)
      : max_events_(max_events), on_ready_(std::move(on_ready)), clock_(clock) {}

  // After `close` both do nothing.
  Pushed push(const std::shared_ptr<const Event>& event);
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
  EventDelivery take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Pushed addGap(EventGap gap) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::size_t max_events_;
  const std::function<void()> on_ready_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<EventDelivery> deliveries_ ABSL_GUARDED_BY(mutex_);
  std::size_t events_ ABSL_GUARDED_BY(mutex_) = 0;  // of the deliveries
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int telling_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::internal
