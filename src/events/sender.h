#pragma once

#include <cstddef>
#include <memory>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "src/base/background.h"
#include "src/events/metrics.h"
#include "src/events/outbox.h"
#include "strata/base/circuit_breaker.h"
#include "strata/events/event_transport.h"

namespace strata::internal {

// Empties an outbox into a transport: one batch at a time, in order, each sent again until it is
// through or too old. While the breaker is open nothing is sent; its probe pings the transport.
//
// Thread-safe. At most one task of the executor runs at a time, and none while there is nothing to
// send: whoever is told `start` by the outbox calls `start`, and from then on each task schedules
// the next, until one finds the outbox empty.
class EventSender {
 public:
  // All of them must outlive it.
  EventSender(EventOutbox& outbox, EventTransport& transport, EventMetrics& metrics,
              CircuitBreakerOptions breaker, const Clock& clock,
              std::shared_ptr<Executor> executor);

  void start() { schedule(absl::ZeroDuration()); }
  // Ends the tasks, waiting for a call of the transport that is under way, and sends what is left,
  // until the deadline or the first failure. Called once, last.
  void finish(Deadline deadline);

  // Ok, or why nothing is sent at the moment.
  absl::Status check() const;
  CircuitBreaker& breaker() { return breaker_; }

 private:
  using Items = std::vector<EventOutbox::Item>;

  void schedule(absl::Duration delay);
  void run();
  // False: there was nothing. `delay`: until the next, zero unless it failed.
  bool sendBatch(Deadline deadline, absl::Duration& delay);
  void settle(EventOutbox::Batch batch, const absl::Status& sent, absl::Duration& delay);
  void noteSent(const Items& items);
  // `alone`: nothing else was sent with the only item.
  void noteRefused(Items items, bool alone, const absl::Status& why);
  absl::Duration noteFailed(Items items, const absl::Status& why);

  EventOutbox& outbox_;
  EventTransport& transport_;
  EventMetrics& metrics_;
  const Clock& clock_;
  OncePerMinute log_refused_;

  // Of the task that runs.
  std::minstd_rand random_;
  int failures_ = 0;                 // in a row
  std::size_t one_by_one_ = 0;       // so many of the next are sent alone: one of them is refused
  CircuitBreaker breaker_;           // its probe uses the transport
  internal::Background background_;  // ends first: its tasks use all of the above
};

}  // namespace strata::internal
