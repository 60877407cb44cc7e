#include "src/decorators/pending_deletes.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace strata::internal {
namespace {

constexpr std::chrono::milliseconds kFirstRetry(50);
constexpr std::chrono::milliseconds kLastRetry(1000);
constexpr std::size_t kKeysPerRetry = 256;

}  // namespace

PendingDeletes::PendingDeletes(std::shared_ptr<Cache> cache, absl::Duration longest_life,
                               const Clock& clock)
    : cache_(std::move(cache)), longest_life_(longest_life), clock_(clock) {}

PendingDeletes::~PendingDeletes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  while (size() > 0 && retryOnce()) {
  }
}

void PendingDeletes::add(absl::Span<const std::string> keys) {
  const std::lock_guard lock(mutex_);
  for (const std::string& key : keys) {
    if (failures_.size() < kMaxKeys || failures_.contains(key)) {
      failures_[key] = next_failure_++;
    } else {
      covers_all_until_ = (clock_.now() + longest_life_).nanos();
    }
  }
  count_.store(failures_.size(), std::memory_order_release);
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { retryUntilStopped(); });
  wake_.notify_all();
}

bool PendingDeletes::covers(std::string_view key) const {
  const std::int64_t all_until = covers_all_until_.load(std::memory_order_acquire);
  if (all_until != 0 && clock_.now().nanos() < all_until) return true;
  if (size() == 0) return false;
  const std::lock_guard lock(mutex_);
  return failures_.contains(absl::string_view(key.data(), key.size()));
}

void PendingDeletes::retryUntilStopped() {
  std::chrono::milliseconds pause = kFirstRetry;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (failures_.empty()) {
      wake_.wait(lock, [this] { return stopping_ || !failures_.empty(); });
      pause = kFirstRetry;
    }
    if (wake_.wait_for(lock, pause, [this] { return stopping_; })) return;
    lock.unlock();
    pause =
        retryOnce() ? std::chrono::milliseconds(0) : std::min(2 * pause + kFirstRetry, kLastRetry);
    lock.lock();
  }
}

bool PendingDeletes::retryOnce() {
  const Attempt attempt = nextAttempt();
  if (!cache_->remove(attempt.keys).ok()) return false;
  clear(attempt);
  return true;
}

PendingDeletes::Attempt PendingDeletes::nextAttempt() const {
  const std::lock_guard lock(mutex_);
  Attempt attempt;
  for (const auto& [key, failure] : failures_) {
    if (attempt.keys.size() == kKeysPerRetry) break;
    attempt.keys.push_back(key);
    attempt.failures.push_back(failure);
  }
  return attempt;
}

void PendingDeletes::clear(const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < attempt.keys.size(); ++i) {
    const auto found = failures_.find(attempt.keys[i]);
    if (found != failures_.end() && found->second == attempt.failures[i]) failures_.erase(found);
  }
  count_.store(failures_.size(), std::memory_order_release);
}

}  // namespace strata::internal
