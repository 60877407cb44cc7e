#pragma once

#include <array>
#include <memory>
#include <string>

#include "src/base/once_per_minute.h"
#include "strata/base/metrics.h"
#include "strata/events/event_hub.h"

namespace strata::internal {

// What a hub counts.
struct EventMetrics {
  explicit EventMetrics(std::shared_ptr<Metrics> metrics_in)
      : metrics(std::move(metrics_in)),
        published(metrics->counter("strata_events_published_total", {})),
        delivered(metrics->counter("strata_events_delivered_total", {})),
        duplicates(metrics->counter("strata_events_duplicates_total", {})),
        listener_errors(metrics->counter("strata_events_listener_errors_total", {})),
        slow(dropped("slow")),
        outbox_full(dropped("outbox_full")),
        too_old(dropped("too_old")),
        refused(dropped("refused")),
        unreadable(dropped("unreadable")),
        gaps{&gap(EventGap::Reason::kSlow), &gap(EventGap::Reason::kDisconnected),
             &gap(EventGap::Reason::kSequence)},
        outbox(metrics->gauge("strata_events_outbox", {})),
        queued_bytes(metrics->gauge("strata_events_queued_bytes", {})),
        subscriptions(metrics->gauge("strata_events_subscriptions", {})),
        send_time(metrics->histogram("strata_events_send_seconds", {})) {}

  const std::shared_ptr<Metrics> metrics;
  Counter& published;
  Counter& delivered;
  Counter& duplicates;
  Counter& listener_errors;
  // Events dropped, by reason.
  Counter& slow;
  Counter& outbox_full;
  Counter& too_old;
  Counter& refused;
  Counter& unreadable;
  const std::array<Counter*, 3> gaps;  // by EventGap::Reason
  Gauge& outbox;
  Gauge& queued_bytes;
  Gauge& subscriptions;
  Histogram& send_time;

 private:
  Counter& dropped(const char* reason) const {
    return metrics->counter("strata_events_dropped_total", {{"reason", reason}});
  }
  Counter& gap(EventGap::Reason reason) const {
    return metrics->counter("strata_events_gaps_total",
                            {{"reason", std::string(toString(reason))}});
  }
};

}  // namespace strata::internal
