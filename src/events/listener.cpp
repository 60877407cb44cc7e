#include "src/events/listener.h"

#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "src/base/fork.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/logging.h"
#include "strata/events/event_hub.h"

namespace strata {
namespace {

using Listener = std::function<void(const EventDelivery&)>;

class ListeningSubscription final : public EventSubscription {
 public:
  ListeningSubscription(std::unique_ptr<EventSubscription> events, Listener listener)
      : events_(std::move(events)),
        errors_(dynamic_cast<internal::ListenerErrors*>(events_.get())),
        listener_(std::move(listener)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}
  ~ListeningSubscription() override {
    if (made_in_.isInherited()) {
      internal::abandon(thread_);  // it is the parent's
      return;
    }
    thread_.request_stop();
    events_->close();
    thread_.join();
  }

  absl::StatusOr<EventDelivery> next(Deadline /*deadline*/) override {
    return absl::FailedPreconditionError("the listener takes what comes");
  }
  std::optional<EventDelivery> tryNext() override { return std::nullopt; }
  absl::Status waitUntilLive(Deadline deadline) override {
    return events_->waitUntilLive(deadline);
  }
  void close() override { events_->close(); }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto delivery = events_->next();
      if (!delivery.ok()) return;
      if (!stop.stop_requested()) call(*delivery);
    }
  }
  void call(const EventDelivery& delivery) {
    const absl::Status told = internal::callOut("listener", [&] { listener_(delivery); });
    if (!told.ok() && errors_ != nullptr) {
      errors_->noteListenerError(std::string(told.message()));
    }
  }

  const internal::ProcessMark made_in_;
  const std::unique_ptr<EventSubscription> events_;
  internal::ListenerErrors* const errors_;
  const Listener listener_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

absl::StatusOr<std::unique_ptr<EventSubscription>> listen(EventHub& hub,
                                                          const EventChannel& channel,
                                                          Listener listener,
                                                          SubscribeOptions options) {
  if (listener == nullptr) return absl::InvalidArgumentError("a listener is needed");
  auto events = hub.subscribe(channel, std::move(options));
  if (!events.ok()) return events;
  try {
    return std::make_unique<ListeningSubscription>(*std::move(events), std::move(listener));
  } catch (const std::system_error&) {
    return absl::ResourceExhaustedError("no thread for a listener could be started");
  }
}

}  // namespace strata
