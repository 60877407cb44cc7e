#include "src/events/sender.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "src/base/backoff.h"
#include "src/base/randomness.h"
#include "src/base/starved_wait.h"
#include "src/events/envelope.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

constexpr std::size_t kMaxBatchMessages = 128;
constexpr absl::Duration kSendTimeout = absl::Seconds(5);
constexpr std::chrono::milliseconds kFirstBackoff(50);
constexpr std::chrono::milliseconds kLongestBackoff(1600);
// How often a task looks whether the breaker has closed.
constexpr absl::Duration kShortestGlance = absl::Milliseconds(50);
constexpr absl::Duration kLongestGlance = absl::Milliseconds(500);

EventMessage encoded(const EventOutbox::Item& item) {
  return {.channel = *item.channel, .payload = encodeEnvelope(*item.event)};
}

std::vector<EventMessage> encoded(const EventOutbox::Batch& batch) {
  std::vector<EventMessage> messages;
  messages.reserve(batch.items.size() + 1);
  if (batch.loopback) messages.push_back(encoded(*batch.loopback));
  for (const EventOutbox::Item& item : batch.items) messages.push_back(encoded(item));
  return messages;
}

}  // namespace

EventSender::EventSender(EventOutbox& outbox, EventTransport& transport, EventMetrics& metrics,
                         CircuitBreakerOptions breaker, const Clock& clock,
                         std::shared_ptr<Executor> executor)
    : outbox_(outbox),
      transport_(transport),
      metrics_(metrics),
      clock_(clock),
      random_(static_cast<std::minstd_rand::result_type>(randomSeed())),
      breaker_(
          std::move(breaker),
          [this] { return transport_.ping(Deadline::in(kSendTimeout, clock_)); }, metrics.metrics,
          clock, executor),
      background_(std::move(executor), clock, Background::InChild::kEnds) {}

void EventSender::schedule(absl::Duration delay) {
  background_.schedule(delay, [this] { run(); });
}

absl::Status EventSender::check() const {
  return breaker_.allows() ? absl::OkStatus() : breaker_.refusal();
}

void EventSender::run() {
  if (!breaker_.allows()) {
    return schedule(std::clamp(breaker_.status().time_to_probe, kShortestGlance, kLongestGlance));
  }
  absl::Duration delay;
  if (sendBatch(Deadline::in(kSendTimeout, clock_), delay)) schedule(delay);
}

void EventSender::finish(Deadline deadline) {
  background_.end();
  absl::Duration delay;
  while (breaker_.allows() && !deadline.hasPassed(clock_)) {
    if (!sendBatch(deadline, delay) || delay > absl::ZeroDuration()) return;
  }
}

bool EventSender::sendBatch(Deadline deadline, absl::Duration& delay) {
  EventOutbox::Batch batch = outbox_.take(one_by_one_ > 0 ? 1 : kMaxBatchMessages, clock_.now());
  metrics_.too_old.add(batch.gave_up);
  metrics_.outbox.set(static_cast<std::int64_t>(outbox_.size()));
  if (batch.isEmpty()) return false;
  const absl::Status sent =
      callOut("transport", [&] { return transport_.send(encoded(batch), deadline); });
  settle(std::move(batch), sent, delay);
  return true;
}

void EventSender::settle(EventOutbox::Batch batch, const absl::Status& sent,
                         absl::Duration& delay) {
  if (batch.loopback) outbox_.settleLoopback(sent.ok(), clock_.now());
  if (sent.ok()) {
    noteSent(batch.items);
  } else if (absl::IsInvalidArgument(sent)) {
    const bool alone = batch.items.size() == 1 && !batch.loopback;
    noteRefused(std::move(batch.items), alone, sent);
  } else {
    delay = noteFailed(std::move(batch.items), sent);
  }
}

void EventSender::noteSent(const Items& items) {
  failures_ = 0;
  one_by_one_ -= std::min(one_by_one_, items.size());
  breaker_.noteSuccess();
  if (!items.empty()) metrics_.send_time.record(clock_.now() - items.front().since);
}

void EventSender::noteRefused(Items items, bool alone, const absl::Status& why) {
  if (!alone) {
    one_by_one_ = items.size();
    metrics_.outbox_full.add(outbox_.putBack(std::move(items)));
    return;
  }
  one_by_one_ -= std::min<std::size_t>(one_by_one_, 1);
  outbox_.lose(items.front());
  metrics_.refused.increment();
  if (log_refused_(clock_)) {
    log(Severity::kError, "strata.events.refused",
        {{"channel", *items.front().channel}, {"error", describe(why)}});
  }
}

absl::Duration EventSender::noteFailed(Items items, const absl::Status& why) {
  metrics_.outbox_full.add(outbox_.putBack(std::move(items)));
  metrics_.outbox.set(static_cast<std::int64_t>(outbox_.size()));
  if (!isStarved(why)) breaker_.noteFailure(why);
  return absl::FromChrono(backoffAfter(++failures_, random_, kFirstBackoff, kLongestBackoff));
}

}  // namespace strata::internal
