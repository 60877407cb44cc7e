#include "strata/testing/fakes/in_memory_event_transport.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "src/base/start_threads.h"

namespace strata {
namespace {

const absl::Status& cutOff() {
  static const auto* const status = new absl::Status(absl::UnavailableError("in-memory: cut off"));
  return *status;
}

absl::Status tooLate() { return absl::DeadlineExceededError("in-memory: the deadline has passed"); }

}  // namespace

// What arrives at one transport, and the thread that tells its receiver.
struct InMemoryEventTransport::Line {
  explicit Line(const Clock& clock_in) : clock(clock_in) {}

  void run(EventReceiver& receiver) {
    std::unique_lock lock(mutex);
    while (true) {
      while (calls.empty() && !ended) clock.wait(lock, changed, MonotonicTime::max());
      if (ended) return;
      const Call call = std::move(calls.front());
      calls.pop_front();
      lock.unlock();
      call(receiver);
      lock.lock();
    }
  }
  void arrive(const EventMessage& message) {
    const std::lock_guard lock(mutex);
    if (is_cut || !channels.contains(message.channel)) return;
    if (to_lose > 0) {
      --to_lose;
      return;
    }
    push([message](EventReceiver& to) { to.onMessage(message.channel, message.payload); });
  }
  // Ok, or why nothing can be sent; `count` becomes how many are sent all the same.
  absl::Status checkSend(std::size_t& count) const {
    const std::lock_guard lock(mutex);
    if (is_cut) count = 0;
    if (is_cut) return cutOff();
    if (!send_failure.ok()) count = std::min(count, sent_before_failure);
    return send_failure;
  }
  void push(std::function<void(EventReceiver&)> call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    calls.push_back(std::move(call));
    changed.notify_all();
  }

  using Call = std::function<void(EventReceiver&)>;

  const Clock& clock;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> channels ABSL_GUARDED_BY(mutex);
  std::deque<Call> calls ABSL_GUARDED_BY(mutex);
  bool is_cut ABSL_GUARDED_BY(mutex) = false;
  bool ended ABSL_GUARDED_BY(mutex) = false;
  absl::Status send_failure ABSL_GUARDED_BY(mutex);
  std::size_t sent_before_failure ABSL_GUARDED_BY(mutex) = 0;
  std::size_t to_lose ABSL_GUARDED_BY(mutex) = 0;
  std::thread thread;
};

struct InMemoryEventBus::Lines {
  std::mutex mutex;
  std::vector<std::shared_ptr<InMemoryEventTransport::Line>> all ABSL_GUARDED_BY(mutex);
};

InMemoryEventBus::InMemoryEventBus() : lines_(std::make_unique<Lines>()) {}
InMemoryEventBus::~InMemoryEventBus() = default;

std::unique_ptr<InMemoryEventTransport> InMemoryEventBus::createTransport(const Clock& clock) {
  return std::make_unique<InMemoryEventTransport>(shared_from_this(), clock);
}

InMemoryEventTransport::InMemoryEventTransport(std::shared_ptr<InMemoryEventBus> bus,
                                               const Clock& clock)
    : bus_(std::move(bus)), line_(std::make_shared<Line>(clock)) {
  const std::lock_guard lock(bus_->lines_->mutex);
  bus_->lines_->all.push_back(line_);
}

InMemoryEventTransport::~InMemoryEventTransport() {
  {
    const std::lock_guard lock(bus_->lines_->mutex);
    auto& all = bus_->lines_->all;
    all.erase(std::find(all.begin(), all.end(), line_));
  }
  {
    const std::lock_guard lock(line_->mutex);
    line_->ended = true;
    line_->changed.notify_all();
  }
  if (line_->thread.joinable()) line_->thread.join();
}

absl::Status InMemoryEventTransport::start(EventReceiver& receiver, Deadline deadline) {
  const absl::Status started = internal::startThreads("in-memory: listen to events", [&] {
    line_->thread = std::thread([line = line_, &receiver] { line->run(receiver); });
  });
  return started.ok() ? ping(deadline) : started;
}

void InMemoryEventTransport::subscribe(const std::string& channel) {
  const std::lock_guard lock(line_->mutex);
  line_->channels.insert(channel);
  line_->changed.notify_all();
}

void InMemoryEventTransport::unsubscribe(const std::string& channel) {
  const std::lock_guard lock(line_->mutex);
  line_->channels.erase(channel);
}

bool InMemoryEventTransport::subscribes(const std::string& channel) const {
  const std::lock_guard lock(line_->mutex);
  return line_->channels.contains(channel);
}

absl::Status InMemoryEventTransport::waitUntilSubscribed(const std::string& channel,
                                                         Deadline deadline) {
  std::unique_lock lock(line_->mutex);
  while (!line_->is_cut && !line_->channels.contains(channel)) {
    if (deadline.hasPassed(line_->clock)) {
      return absl::DeadlineExceededError("in-memory: not subscribed");
    }
    line_->clock.wait(lock, line_->changed, deadline.time());
  }
  return line_->is_cut ? cutOff() : absl::OkStatus();
}

absl::Status InMemoryEventTransport::send(absl::Span<const EventMessage> messages,
                                          Deadline deadline) {
  if (deadline.hasPassed(line_->clock)) return tooLate();
  std::size_t count = messages.size();
  absl::Status sent = line_->checkSend(count);
  std::vector<std::shared_ptr<Line>> lines;
  {
    const std::lock_guard lock(bus_->lines_->mutex);
    lines = bus_->lines_->all;
  }
  for (const EventMessage& message : messages.first(count)) {
    for (const std::shared_ptr<Line>& line : lines) line->arrive(message);
  }
  return sent;
}

absl::Status InMemoryEventTransport::ping(Deadline deadline) {
  if (deadline.hasPassed(line_->clock)) return tooLate();
  std::size_t none = 0;
  return line_->checkSend(none);
}

Health InMemoryEventTransport::healthCheck() {
  const absl::Status works = ping(Deadline());
  Health health{.component = "event-transport", .backend = "in-memory"};
  if (works.ok()) return health;
  health.state = HealthState::kFail;
  health.error = std::string(works.message());
  return health;
}

void InMemoryEventTransport::cut() {
  const std::lock_guard lock(line_->mutex);
  line_->is_cut = true;
  line_->changed.notify_all();
}

void InMemoryEventTransport::heal() {
  const std::lock_guard lock(line_->mutex);
  if (!std::exchange(line_->is_cut, false)) return;
  line_->push([](EventReceiver& to) { to.onGap(cutOff()); });
}

void InMemoryEventTransport::failSends(absl::Status why, std::size_t sent_before) {
  const std::lock_guard lock(line_->mutex);
  line_->send_failure = std::move(why);
  line_->sent_before_failure = sent_before;
}

void InMemoryEventTransport::loseNext(std::size_t messages) {
  const std::lock_guard lock(line_->mutex);
  line_->to_lose = messages;
}

void InMemoryEventTransport::inject(const std::string& channel, const std::string& payload) {
  const std::lock_guard lock(line_->mutex);
  line_->push([channel, payload](EventReceiver& to) { to.onMessage(channel, payload); });
}

void InMemoryEventTransport::injectLost(const std::string& channel) {
  const std::lock_guard lock(line_->mutex);
  line_->push([channel](EventReceiver& to) {
    to.onLost(channel, absl::DataLossError("in-memory: lost on request"));
  });
}

}  // namespace strata
