#include "strata/decorators/bulkhead.h"

#include <algorithm>

namespace strata {
namespace {

constexpr std::size_t kDefaultConcurrent = 16;
constexpr std::size_t kMostConcurrent = 10'000;
constexpr std::size_t kMostQueued = 1'000'000;
constexpr absl::Duration kLongestWait = absl::Hours(1);

BulkheadOptions completed(BulkheadOptions options) {
  if (!options.max_concurrent) options.max_concurrent = kDefaultConcurrent;
  return options;
}

}  // namespace

absl::Status validate(const BulkheadOptions& options) {
  const std::size_t places = *completed(options).max_concurrent;
  if (places < 1 || places > kMostConcurrent) {
    return absl::InvalidArgumentError("bulkhead: max_concurrent must be 1 to 10 000");
  }
  if (options.max_queue > kMostQueued) {
    return absl::InvalidArgumentError("bulkhead: max_queue must be at most 1 000 000");
  }
  if (options.max_wait <= absl::ZeroDuration() || options.max_wait > kLongestWait) {
    return absl::InvalidArgumentError("bulkhead: max_wait must be above zero and at most an hour");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Bulkhead>> Bulkhead::create(BulkheadOptions options,
                                                           const Clock& clock) {
  if (absl::Status status = validate(options); !status.ok()) return status;
  return std::shared_ptr<Bulkhead>(new Bulkhead(options, clock));
}

Bulkhead::Bulkhead(const BulkheadOptions& options, const Clock& clock)
    : options_(completed(options)), clock_(clock) {}

Bulkhead::Place Bulkhead::enter(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (taken_ < places()) {
    ++taken_;
    return {this, Admission::kAdmitted, absl::ZeroDuration()};
  }
  if (queue_.size() >= options_.max_queue) {
    return {nullptr, Admission::kQueueFull, absl::ZeroDuration()};
  }
  return waitInLine(std::move(lock), deadline);
}

Bulkhead::Place Bulkhead::waitInLine(std::unique_lock<std::mutex> lock, Deadline deadline) {
  const MonotonicTime start = clock_.now();
  const MonotonicTime limit = start + options_.max_wait;
  const MonotonicTime until = std::min(limit, deadline.time());
  Waiter self;
  const auto place_in_line = queue_.insert(queue_.end(), &self);
  MonotonicTime now = start;
  while (!self.has_place && now < until) {
    clock_.wait(lock, self.changed, until);
    now = clock_.now();
  }
  const absl::Duration waited = now - start;
  if (!self.has_place) queue_.erase(place_in_line);
  if (now >= deadline.time()) {
    if (self.has_place) passOn();
    return {nullptr, Admission::kDeadlinePassed, waited};
  }
  // A place that came at the last moment is taken.
  if (self.has_place) return {this, Admission::kAdmitted, waited};
  return {nullptr, Admission::kWaitedTooLong, waited};
}

void Bulkhead::release() {
  const std::lock_guard lock(mutex_);
  passOn();
}

void Bulkhead::passOn() {
  if (queue_.empty()) {
    --taken_;
    return;
  }
  Waiter& next = *queue_.front();
  queue_.pop_front();
  next.has_place = true;
  // With the mutex held: once it has its place, the waiter may be gone.
  next.changed.notify_one();
}

}  // namespace strata
