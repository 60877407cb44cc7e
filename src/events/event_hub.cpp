#include "strata/events/event_hub.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "src/base/fork.h"
#include "src/base/randomness.h"
#include "src/base/refused_tasks.h"
#include "src/events/channels.h"
#include "src/events/envelope.h"
#include "src/events/event_budget.h"
#include "src/events/listener.h"
#include "src/events/loopback_check.h"
#include "src/events/metrics.h"
#include "src/events/sender.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/events/event_hub_options.h"
#include "strata/records/key_space.h"

namespace strata {
namespace {

constexpr std::string_view kTransport = "transport";

using internal::EventChannels;
using internal::EventMetrics;
using internal::EventOutbox;
using internal::EventQueue;
using internal::EventSender;
using internal::EventTally;
using internal::LoopbackCheck;

constexpr std::size_t kMaxEnvelopeBytes = std::size_t{16} << 20;
// What an envelope holds besides its data is never more.
constexpr std::size_t kMaxAroundData = 1024;
constexpr std::size_t kMaxInstanceBytes = 128;
constexpr absl::Duration kFarewell = absl::Seconds(1);

bool isGraphic(char c) { return c > ' ' && c < '\x7f'; }

std::string makeInstanceId() {
  std::array<char, 64> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {'?'};
  std::string name(host.data());
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !isGraphic(c); }, '?');
  return fmt::format("{}-{}-{:016x}", name, getpid(), internal::randomSeed());
}

// Its instance id and its numbers are those of the parent, whose events they would make look lost.
absl::Status inherited() {
  return absl::FailedPreconditionError(
      "the event hub was made before fork(): make another one in this process");
}

// What a hub and its subscriptions share: these may outlive the hub. In a child of fork() nothing of
// it is used or destroyed, for the threads that it waits for are the parent's.
class HubCore final : public EventReceiver {
 public:
  HubCore(std::unique_ptr<EventTransport> transport, const EventHubOptions& options,
          std::shared_ptr<Metrics> metrics, const Clock& clock, std::shared_ptr<Executor> executor);

  absl::Status start(const EventHubOptions& options);
  // Sends what is left, lets go of the transport and closes every queue.
  void end();

  absl::Status publish(const EventChannel& channel, std::string_view name, const Json& data);
  Health healthCheck();
  CircuitBreaker* breaker() { return sender_ == nullptr ? nullptr : &sender_->breaker(); }

  std::string nameOf(const EventChannel& channel) const {
    return internal::transportName(prefix_, channel);
  }
  absl::StatusOr<std::shared_ptr<EventQueue>> join(const std::string& name,
                                                   SubscribeOptions options);
  void leave(const std::string& name, const EventQueue& queue);
  absl::Status waitUntilLive(const std::string& name, Deadline deadline);
  void noteListenerError(std::string_view what);
  bool isInherited() const { return made_in_.isInherited(); }
  void noteSubscriptions(std::int64_t change);

  void onMessage(std::string_view channel, std::string_view payload) override;
  void onGap(const absl::Status& why) override;
  void onLost(std::string_view channel, const absl::Status& why) override;

 private:
  static constexpr std::size_t kOrders = 16;

  std::shared_ptr<EventTransport> transport() const;
  std::unique_ptr<LoopbackCheck> makeLoopback(const EventHubOptions& options,
                                              std::shared_ptr<Executor> executor);
  std::mutex& orderOf(const std::string& name) {
    return orders_[internal::shardOfHash(internal::seededHash(name), kOrders)];
  }
  // To every subscription.
  void tellGap(const absl::Status& why);
  // Counts what was told, and calls those who have something to take. Never under a lock.
  void settle(const EventTally& tally);

  const internal::ProcessMark made_in_;
  const std::string prefix_;
  const std::string instance_id_;
  const Clock& clock_;
  EventMetrics metrics_;
  EventChannels channels_;
  EventOutbox outbox_;
  internal::OncePerMinute log_unreadable_;
  internal::OncePerMinute log_lost_;
  internal::OncePerMinute log_listener_;

  // What the transport is told about one channel must come in the order in which its subscribers
  // came and went. Held for nothing else, over calls that do not block.
  std::array<std::mutex, kOrders> orders_;

  mutable std::mutex mutex_;
  std::int64_t subscriptions_ ABSL_GUARDED_BY(mutex_) = 0;
  // Null: none, or the hub has ended.
  std::shared_ptr<EventTransport> transport_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<EventSender> sender_;  // null: no transport
  // Null: the hub's own messages do not come back.
  std::unique_ptr<LoopbackCheck> loopback_;
};

HubCore::HubCore(std::unique_ptr<EventTransport> transport, const EventHubOptions& options,
                 std::shared_ptr<Metrics> metrics, const Clock& clock,
                 std::shared_ptr<Executor> executor)
    : prefix_(internal::eventPrefix(options.app)),
      instance_id_(options.instance_id.empty() ? makeInstanceId() : options.instance_id),
      clock_(clock),
      metrics_(std::move(metrics)),
      channels_(std::make_shared<internal::EventBudget>(options.max_queued_bytes, metrics_.metrics,
                                                        &metrics_.queued_bytes)),
      outbox_(instance_id_, {.max_messages = options.max_outbox,
                             .max_bytes = options.max_outbox_bytes,
                             .give_up_after = options.give_up_after}),
      transport_(std::move(transport)) {
  if (transport_ == nullptr) return;
  sender_ = std::make_unique<EventSender>(outbox_, *transport_, metrics_, options.breaker, clock,
                                          executor);
  if (!transport_->loopbackAdvice().empty()) {
    loopback_ = makeLoopback(options, std::move(executor));
  }
}

std::unique_ptr<LoopbackCheck> HubCore::makeLoopback(const EventHubOptions& options,
                                                     std::shared_ptr<Executor> executor) {
  // No channel of an application has such a name, and no other hub this one.
  std::string channel = fmt::format("{}~self:{:016x}{:016x}", prefix_, internal::randomSeed(),
                                    internal::randomSeed());
  return std::make_unique<LoopbackCheck>(
      LoopbackCheck::Options{.channel = std::move(channel),
                             .instance_id = instance_id_,
                             .interval = options.loopback_interval,
                             .on_loss = [this](const absl::Status& why) { tellGap(why); }},
      *transport_, outbox_, *sender_, clock_, std::move(executor));
}

absl::Status HubCore::start(const EventHubOptions& options) {
  const std::shared_ptr<EventTransport> transport = this->transport();
  if (transport == nullptr) return absl::OkStatus();
  const Deadline deadline = Deadline::in(options.start_timeout, clock_);
  const auto may_pass = [](const absl::Status& status) {
    return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  };
  absl::Status started =
      internal::callOut(kTransport, [&] { return transport->start(*this, deadline); });
  if (!started.ok() && !may_pass(started)) return annotate(started, "event hub");
  if (loopback_ != nullptr) {
    transport->subscribe(loopback_->channel());
    if (started.ok()) started = loopback_->prove(deadline);
    loopback_->begin();
  }
  if (!may_pass(started) || options.require_connection) return annotate(started, "event hub");
  log(Severity::kWarning, "strata.events.unavailable_at_start", {{"error", describe(started)}});
  return absl::OkStatus();
}

void HubCore::end() {
  if (loopback_ != nullptr) loopback_->end();
  if (sender_ != nullptr) sender_->finish(Deadline::in(kFarewell, clock_));
  sender_.reset();
  std::shared_ptr<EventTransport> transport;
  {
    const std::lock_guard lock(mutex_);
    transport = std::move(transport_);
  }
  // Waits for a call of the receiver, unless a subscriber is just waiting in the transport: then it
  // goes with that one.
  transport.reset();
  channels_.close();
}

std::shared_ptr<EventTransport> HubCore::transport() const {
  const std::lock_guard lock(mutex_);
  return transport_;
}

absl::Status HubCore::publish(const EventChannel& channel, std::string_view name,
                              const Json& data) {
  if (!channel.check().ok()) return channel.check();
  if (absl::Status valid = internal::checkEventName(name); !valid.ok()) return valid;
  if (data.text().size() > kMaxEnvelopeBytes - kMaxAroundData) {
    return absl::InvalidArgumentError("an event's data is larger than 16 MiB");
  }
  const auto event = std::make_shared<Event>(Event{.name = std::string(name),
                                                   .data = data,
                                                   .timestamp = clock_.wallTime(),
                                                   .instance_id = instance_id_});
  EventOutbox* const outbox = sender_ == nullptr ? nullptr : &outbox_;
  const EventTally tally = channels_.publish(nameOf(channel), event, outbox, clock_.now());
  metrics_.published.increment();
  settle(tally);
  if (tally.pushed.start) sender_->start();
  internal::retryRefused();  // the sender may have found no thread
  return absl::OkStatus();
}

void HubCore::settle(const EventTally& tally) {
  const auto add = [](Counter& counter, std::int64_t count) {
    if (count > 0) counter.add(count);
  };
  add(metrics_.delivered, tally.delivered);
  add(metrics_.slow, tally.slow);
  add(metrics_.duplicates, tally.duplicates);
  add(metrics_.outbox_full, tally.pushed.dropped);
  for (std::size_t i = 0; i < tally.gaps.size(); ++i) add(*metrics_.gaps[i], tally.gaps[i]);
  for (const std::shared_ptr<EventQueue>& queue : tally.ready) {
    absl::Status thrown;
    if (!queue->tellReady(&thrown)) noteListenerError(std::string(thrown.message()));
  }
}

void HubCore::noteListenerError(std::string_view what) {
  metrics_.listener_errors.increment();
  if (log_listener_(clock_)) {
    log(Severity::kError, "strata.events.listener_threw", {{"what", std::string(what)}});
  }
}

// ---- Subscribing ----

absl::StatusOr<std::shared_ptr<EventQueue>> HubCore::join(const std::string& name,
                                                          SubscribeOptions options) {
  const EventQueue::Limits limits{.max_events = options.max_queued,
                                  .max_bytes = options.max_queued_bytes};
  auto queue = std::make_shared<EventQueue>(limits, std::move(options.on_ready), clock_);
  const std::shared_ptr<EventTransport> transport = this->transport();
  {
    const std::lock_guard lock(orderOf(name));
    const bool is_first = channels_.join(name, queue) && transport != nullptr;
    absl::Status subscribed =
        is_first ? internal::callOut(kTransport, [&] { transport->subscribe(name); })
                 : absl::OkStatus();
    if (!subscribed.ok()) {
      channels_.leave(name, *queue);
      return subscribed;
    }
  }
  noteSubscriptions(1);
  return queue;
}

void HubCore::leave(const std::string& name, const EventQueue& queue) {
  const std::shared_ptr<EventTransport> transport = this->transport();
  const std::lock_guard lock(orderOf(name));
  if (!channels_.leave(name, queue) || transport == nullptr) return;
  // Called by destructors. A channel that is heard needlessly costs time and nothing else.
  internal::callOut(kTransport, [&] { transport->unsubscribe(name); }).IgnoreError();
}

void HubCore::noteSubscriptions(std::int64_t change) {
  const std::lock_guard lock(mutex_);
  subscriptions_ += change;
  metrics_.subscriptions.set(subscriptions_);
}

absl::Status HubCore::waitUntilLive(const std::string& name, Deadline deadline) {
  internal::retryRefused();
  const std::shared_ptr<EventTransport> transport = this->transport();
  if (transport == nullptr) return absl::OkStatus();
  absl::Status live =
      internal::callOut(kTransport, [&] { return transport->waitUntilSubscribed(name, deadline); });
  return live.ok() && loopback_ != nullptr ? loopback_->await(deadline) : live;
}

// ---- Receiving ----

void HubCore::onMessage(std::string_view channel, std::string_view payload) {
  if (loopback_ != nullptr && loopback_->hear(channel, payload)) return;
  auto event = internal::decodeEnvelope(payload);
  if (!event.ok()) {
    metrics_.unreadable.increment();
    if (log_unreadable_(clock_)) {
      log(Severity::kWarning, "strata.events.unreadable",
          {{"channel", std::string(channel)}, {"error", describe(event.status())}});
    }
    return settle(channels_.lose(channel));
  }
  if (event->instance_id == instance_id_) return;
  settle(channels_.receive(channel, std::make_shared<const Event>(*std::move(event))));
}

void HubCore::onGap(const absl::Status& why) {
  tellGap(why);
  if (loopback_ != nullptr) loopback_->noteGap();
}

void HubCore::tellGap(const absl::Status& why) {
  log(Severity::kWarning, "strata.events.gap", {{"why", describe(why)}});
  settle(channels_.disconnected());
}

void HubCore::onLost(std::string_view channel, const absl::Status& why) {
  if (log_lost_(clock_)) {
    log(Severity::kWarning, "strata.events.lost",
        {{"channel", std::string(channel)}, {"why", describe(why)}});
  }
  settle(channels_.lose(channel));
}

Health HubCore::healthCheck() {
  internal::retryRefused();
  Health health{.component = "event-hub", .backend = "in-memory"};
  const std::shared_ptr<EventTransport> transport = this->transport();
  if (transport == nullptr) return health;
  Health child = internal::callOut(
      kTransport, [&] { return transport->healthCheck(); },
      [](const absl::Status& thrown) {
        return Health{
            .component = "event-transport", .state = HealthState::kFail, .error = describe(thrown)};
      });
  health.backend = child.backend;
  health.latency = child.latency;
  if (child.state != HealthState::kPass) {
    health.state = HealthState::kWarn;
    health.error = child.component + ": " + child.error;
  }
  health.children.push_back(std::move(child));
  const absl::Status hears = loopback_ == nullptr ? absl::OkStatus() : loopback_->state();
  if (health.state == HealthState::kPass && !hears.ok()) {
    health.state = HealthState::kWarn;
    health.error = describe(hears);
  }
  if (const absl::Status sends = sender_->check(); !sends.ok()) {
    health.state = HealthState::kWarn;
    health.error = describe(sends);
  }
  return health;
}

// ---- What callers hold ----

class HubSubscription final : public EventSubscription, public internal::ListenerErrors {
 public:
  HubSubscription(std::shared_ptr<HubCore> core, std::string name,
                  std::shared_ptr<EventQueue> queue)
      : core_(std::move(core)), name_(std::move(name)), queue_(std::move(queue)) {}
  ~HubSubscription() override {
    if (core_->isInherited()) {
      internal::leak(core_, queue_);
      return;
    }
    core_->leave(name_, *queue_);
    queue_->detach();
    core_->noteSubscriptions(-1);
  }

  absl::StatusOr<EventDelivery> next(Deadline deadline) override {
    return core_->isInherited() ? inherited() : queue_->next(deadline);
  }
  std::optional<EventDelivery> tryNext() override {
    return core_->isInherited() ? std::nullopt : queue_->tryNext();
  }
  absl::Status waitUntilLive(Deadline deadline) override {
    if (core_->isInherited()) return inherited();
    if (queue_->isClosed()) return absl::CancelledError("the subscription has ended");
    return core_->waitUntilLive(name_, deadline);
  }
  void close() override {
    if (core_->isInherited()) return;
    queue_->close();
    core_->leave(name_, *queue_);
  }
  void noteListenerError(std::string_view what) override { core_->noteListenerError(what); }

 private:
  const std::shared_ptr<HubCore> core_;
  const std::string name_;
  const std::shared_ptr<EventQueue> queue_;
};

class TransportedEventHub final : public EventHub {
 public:
  explicit TransportedEventHub(std::shared_ptr<HubCore> core) : core_(std::move(core)) {}
  ~TransportedEventHub() override {
    if (core_->isInherited()) {
      internal::leak(core_);
      return;
    }
    core_->end();
  }

  absl::Status publish(const EventChannel& channel, std::string_view name,
                       const Json& data) override {
    if (core_->isInherited()) return inherited();
    return core_->publish(channel, name, data);
  }
  absl::StatusOr<std::unique_ptr<EventSubscription>> subscribe(const EventChannel& channel,
                                                               SubscribeOptions options) override {
    if (core_->isInherited()) return inherited();
    if (!channel.check().ok()) return channel.check();
    if (options.max_queued == 0) {
      return absl::InvalidArgumentError("subscribe: max_queued must be at least 1");
    }
    if (options.max_queued_bytes == 0) {
      return absl::InvalidArgumentError("subscribe: max_queued_bytes must be at least 1");
    }
    std::string name = core_->nameOf(channel);
    auto queue = core_->join(name, std::move(options));
    if (!queue.ok()) return queue.status();
    return std::make_unique<HubSubscription>(core_, std::move(name), *std::move(queue));
  }
  CircuitBreaker* breaker() override { return core_->breaker(); }
  Health healthCheck() override {
    if (!core_->isInherited()) return core_->healthCheck();
    return {.component = "event-hub", .state = HealthState::kFail, .error = describe(inherited())};
  }

 private:
  const std::shared_ptr<HubCore> core_;
};

}  // namespace

absl::Status validate(const EventHubOptions& options) {
  const auto refuse = [](std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("event hub: {}", what));
  };
  const std::string& id = options.instance_id;
  if (absl::Status app = checkApp(options.app); !options.app.empty() && !app.ok()) {
    return annotate(app, "event hub");
  }
  if (id.size() > kMaxInstanceBytes || !std::all_of(id.begin(), id.end(), isGraphic)) {
    return refuse("instance_id must be up to 128 bytes of printable ASCII without spaces");
  }
  if (options.max_outbox == 0) return refuse("max_outbox must be at least 1");
  if (options.max_outbox_bytes == 0) return refuse("max_outbox_bytes must be at least 1");
  if (options.max_queued_bytes == 0) return refuse("max_queued_bytes must be at least 1");
  if (options.give_up_after <= absl::ZeroDuration()) {
    return refuse("give_up_after must be above zero");
  }
  if (options.loopback_interval < absl::Milliseconds(10) ||
      options.loopback_interval > absl::Minutes(10)) {
    return refuse("loopback_interval must be 10 ms to 10 minutes");
  }
  return validate(options.breaker);
}

absl::StatusOr<std::unique_ptr<EventHub>> makeEventHub(std::unique_ptr<EventTransport> transport,
                                                       const EventHubOptions& options,
                                                       std::shared_ptr<Metrics> metrics,
                                                       const Clock& clock,
                                                       std::shared_ptr<Executor> executor) {
  if (absl::Status valid = validate(options); !valid.ok()) return valid;
  if (transport != nullptr && options.app.empty()) {
    return absl::InvalidArgumentError("event hub: a hub with a transport needs an app");
  }
  auto core = std::make_shared<HubCore>(std::move(transport), options, std::move(metrics), clock,
                                        std::move(executor));
  auto hub = std::make_unique<TransportedEventHub>(core);
  if (absl::Status started = core->start(options); !started.ok()) return started;
  return hub;
}

}  // namespace strata
