#include "strata/testing/mocks/mock_event_hub.h"

#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "src/events/event_budget.h"
#include "src/events/queue.h"

namespace strata::testing {
namespace {

using internal::EventQueue;

class FedSubscription final : public EventSubscription {
 public:
  explicit FedSubscription(std::shared_ptr<EventQueue> queue) : queue_(std::move(queue)) {}
  ~FedSubscription() override { queue_->detach(); }

  absl::StatusOr<EventDelivery> next(Deadline deadline) override { return queue_->next(deadline); }
  std::optional<EventDelivery> tryNext() override { return queue_->tryNext(); }
  absl::Status waitUntilLive(Deadline /*deadline*/) override { return absl::OkStatus(); }
  void close() override { queue_->close(); }

 private:
  const std::shared_ptr<EventQueue> queue_;
};

}  // namespace

struct EventFeed::Listening {
  explicit Listening(const Clock& clock_in) : clock(clock_in) {}

  std::shared_ptr<EventQueue> current() {
    const std::lock_guard lock(mutex);
    return queue;
  }

  const Clock& clock;
  const std::shared_ptr<internal::EventBudget> budget =
      std::make_shared<internal::EventBudget>(std::numeric_limits<std::size_t>::max());
  std::mutex mutex;
  std::shared_ptr<EventQueue> queue ABSL_GUARDED_BY(mutex);  // null: nobody listens
};

EventFeed::EventFeed(const Clock& clock) : listening_(std::make_unique<Listening>(clock)) {}
EventFeed::~EventFeed() { end(); }

std::unique_ptr<EventSubscription> EventFeed::subscription(SubscribeOptions options) {
  const EventQueue::Limits limits{.max_events = options.max_queued,
                                  .max_bytes = options.max_queued_bytes};
  auto queue = std::make_shared<EventQueue>(limits, std::move(options.on_ready), listening_->clock);
  {
    const std::lock_guard lock(listening_->mutex);
    listening_->queue = queue;
  }
  return std::make_unique<FedSubscription>(std::move(queue));
}

void EventFeed::tell(Event event) {
  const auto queue = listening_->current();
  if (queue == nullptr) return;
  const auto pushed = queue->push(internal::WaitingEvent::make(
      std::make_shared<const Event>(std::move(event)), listening_->budget));
  if (pushed.was_empty) queue->tellReady();
}

void EventFeed::tell(EventGap gap) {
  const auto queue = listening_->current();
  if (queue != nullptr && queue->pushGap(gap).was_empty) queue->tellReady();
}

void EventFeed::end() {
  if (const auto queue = listening_->current()) queue->close();
}

}  // namespace strata::testing
