#include "src/events/loopback_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/randomness.h"
#include "src/events/envelope.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

constexpr std::size_t kTries = 2;
// For so many intervals a message may be behind others that arrive; longer, and they are no excuse.
constexpr int kMostIntervals = 10;
// Of a start that has no deadline.
constexpr absl::Duration kLongestStart = absl::Minutes(1);
// Where the rest of an interval rounds to nothing.
constexpr absl::Duration kShortestWait = absl::Milliseconds(1);

}  // namespace

LoopbackCheck::LoopbackCheck(Options options, EventTransport& transport, EventOutbox& outbox,
                             EventSender& sender, const Clock& clock,
                             std::shared_ptr<Executor> executor)
    : options_(std::move(options)),
      channel_(std::make_shared<const std::string>(options_.channel)),
      advice_(transport.loopbackAdvice()),
      transport_(transport),
      outbox_(outbox),
      sender_(sender),
      clock_(clock),
      background_(std::move(executor), clock, Background::InChild::kEnds) {}

// ---- The start ----

absl::Status LoopbackCheck::prove(Deadline deadline) {
  absl::Status live = transport_.waitUntilSubscribed(*channel_, deadline);
  if (!live.ok()) return annotate(live, "a message to itself cannot be received");
  for (std::size_t left = kTries; left > 0; --left) {
    EventMessage message{.channel = *channel_, .payload = {}};
    {
      const std::lock_guard lock(mutex_);
      message.payload = encodeEnvelope(*nextMessage().event);
    }
    absl::Status sent = transport_.send({&message, 1}, deadline);
    if (!sent.ok()) return annotate(sent, "a message to itself could not be sent");
    const absl::Duration share =
        deadline.remaining(kLongestStart, clock_) / static_cast<std::int64_t>(left);
    if (awaitProof(Deadline::in(share, clock_))) return absl::OkStatus();
  }
  const std::lock_guard lock(mutex_);
  under_way_.clear();
  verdict_ = Verdict::kDeaf;
  return deafness();
}

void LoopbackCheck::begin() {
  std::uint64_t turn = 0;
  {
    const std::lock_guard lock(mutex_);
    has_begun_ = true;
    turn = turn_;
  }
  schedule(options_.interval, turn);
}

void LoopbackCheck::end() {
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    changed_.notify_all();
  }
  background_.end();
}

// ---- The tasks ----

void LoopbackCheck::schedule(absl::Duration delay, std::uint64_t turn) {
  {
    const std::lock_guard lock(mutex_);
    if (turn != turn_) return;
    turn = ++turn_;
  }
  background_.schedule(delay, [this, turn] { run(turn); });
}

void LoopbackCheck::run(std::uint64_t turn) {
  const Plan plan = this->plan();
  bool start = false;
  {
    const std::lock_guard lock(mutex_);
    if (turn != turn_) return;
    if (plan.step == Step::kForget || plan.step == Step::kLeave) under_way_.clear();
    if (plan.step == Step::kSend) start = outbox_.pushLoopback(nextMessage());
    if (plan.step == Step::kLeave) verdict_ = Verdict::kDeaf;
    changed_.notify_all();
  }
  if (start) sender_.start();
  if (plan.step == Step::kLeave) leave();
  schedule(plan.next, turn);
}

LoopbackCheck::Plan LoopbackCheck::plan() {
  absl::Duration silence;
  {
    const std::lock_guard lock(mutex_);
    if (under_way_.empty()) return {Step::kSend, options_.interval};
    const EventOutbox::Loopback last = outbox_.loopback();
    if (last.state == EventOutbox::Loopback::State::kFailed)
      return {Step::kForget, options_.interval};
    if (last.state == EventOutbox::Loopback::State::kWaiting)
      return {Step::kWait, options_.interval};
    silence = clock_.now() - last.sent_at;
  }
  return planAfter(silence);
}

LoopbackCheck::Plan LoopbackCheck::planAfter(absl::Duration silence) {
  if (silence < options_.interval) {
    return {Step::kWait, std::max(options_.interval - silence, kShortestWait)};
  }
  const bool others_arrive = heard_.exchange(false, std::memory_order_relaxed);
  if (others_arrive && silence < kMostIntervals * options_.interval) {
    return {Step::kWait, options_.interval};
  }
  if (!isListening()) return {Step::kForget, options_.interval};
  const std::lock_guard lock(mutex_);
  return {under_way_.size() < kTries ? Step::kSend : Step::kLeave, options_.interval};
}

bool LoopbackCheck::isListening() const {
  return transport_.waitUntilSubscribed(*channel_, Deadline::at(MonotonicTime())).ok();
}

EventOutbox::Item LoopbackCheck::nextMessage() {
  Event event{.name = "loopback",
              .data = Json::parse(fmt::format(R"("{:016x}")", randomSeed())).value(),
              .timestamp = clock_.wallTime(),
              .instance_id = options_.instance_id,
              .sequence = ++sequence_};
  under_way_.push_back(encodeEnvelope(event));
  heard_.store(false, std::memory_order_relaxed);
  return {.channel = channel_,
          .event = std::make_shared<const Event>(std::move(event)),
          .since = clock_.now()};
}

void LoopbackCheck::leave() {
  const absl::Status why = deafness();
  log(Severity::kError, "strata.events.deaf", {{"why", describe(why)}});
  transport_.relisten(why);
}

// ---- What is heard ----

bool LoopbackCheck::hear(std::string_view channel, std::string_view payload) {
  heard_.store(true, std::memory_order_relaxed);
  if (channel != options_.channel) return false;
  bool is_lost = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find(under_way_.begin(), under_way_.end(), payload);
    if (found == under_way_.end()) return true;
    is_lost = found != under_way_.begin();
    under_way_.erase(under_way_.begin(), found + 1);
    verdict_ = Verdict::kProven;
    changed_.notify_all();
  }
  if (is_lost && options_.on_loss) {
    options_.on_loss(absl::DataLossError("a message of the hub to itself was lost"));
  }
  return true;
}

void LoopbackCheck::noteGap() {
  std::uint64_t turn = 0;
  {
    const std::lock_guard lock(mutex_);
    under_way_.clear();
    if (verdict_ == Verdict::kProven) verdict_ = Verdict::kUnproven;
    if (!has_begun_ || has_ended_) return;
    turn = turn_;
  }
  schedule(absl::ZeroDuration(), turn);
}

// ---- The verdict ----

bool LoopbackCheck::awaitProof(Deadline deadline) const {
  std::unique_lock lock(mutex_);
  while (verdict_ != Verdict::kProven && !deadline.hasPassed(clock_)) {
    clock_.wait(lock, changed_, deadline.time());
  }
  return verdict_ == Verdict::kProven;
}

absl::Status LoopbackCheck::await(Deadline deadline) const {
  {
    std::unique_lock lock(mutex_);
    while (verdict_ == Verdict::kUnproven && !has_ended_ && !deadline.hasPassed(clock_)) {
      clock_.wait(lock, changed_, deadline.time());
    }
    if (has_ended_) return absl::UnavailableError("the hub has ended");
    if (verdict_ == Verdict::kUnproven) {
      return absl::DeadlineExceededError("a message to itself has not come back yet");
    }
  }
  return state();
}

absl::Status LoopbackCheck::state() const {
  {
    const std::lock_guard lock(mutex_);
    if (verdict_ == Verdict::kProven) return absl::OkStatus();
    if (verdict_ == Verdict::kUnproven) {
      return absl::UnavailableError("a message to itself has not come back yet");
    }
  }
  return deafness();
}

absl::Status LoopbackCheck::deafness() const {
  return absl::UnavailableError(
      fmt::format("{} messages to itself were sent, and none came back though the connection is "
                  "alive: {}",
                  kTries, advice_));
}

}  // namespace strata::internal
