#include "strata/limits/in_memory_rate_limit_log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace strata {
namespace {

using Nanos = std::int64_t;

constexpr std::size_t kShards = 16;
constexpr std::size_t kFirstSweep = 64;  // keys of a shard

// The calls under one key, oldest first.
class Window {
 public:
  // What is left when everything up to `until` has gone.
  std::size_t keepAfter(Nanos until) {
    while (first_ < times_.size() && times_[first_] <= until) ++first_;
    if (first_ * 2 > times_.size()) {
      times_.erase(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return size();
  }
  void add(Nanos time) { times_.push_back(size() == 0 ? time : std::max(time, times_.back() + 1)); }
  std::size_t size() const { return times_.size() - first_; }
  Nanos at(std::size_t index) const { return times_[first_ + index]; }
  // Whether all of it has left its window.
  bool isOver(Nanos now) const { return size() == 0 || times_.back() + window <= now; }

  Nanos window = 0;

 private:
  std::vector<Nanos> times_;
  std::size_t first_ = 0;  // those before have left
};

struct Shard {
  Window& windowOf(std::string_view key, Nanos now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const auto found = windows.find(absl::string_view(key.data(), key.size()));
    if (found != windows.end()) return found->second;
    if (windows.size() >= sweep_at) {
      absl::erase_if(windows, [now](const auto& entry) { return entry.second.isOver(now); });
      sweep_at = std::max(kFirstSweep, windows.size() * 2);
    }
    return windows[std::string(key)];
  }

  mutable std::mutex mutex;
  absl::flat_hash_map<std::string, Window> windows ABSL_GUARDED_BY(mutex);
  // So many keys are looked through for those that can go, which costs little per new key.
  std::size_t sweep_at ABSL_GUARDED_BY(mutex) = kFirstSweep;
};

}  // namespace

struct InMemoryRateLimitLog::Core {
  explicit Core(const Clock& clock_in) : clock(clock_in) {}

  Entry record(const Call& call);

  const Clock& clock;
  std::array<Shard, kShards> shards;
};

RateLimitLog::Entry InMemoryRateLimitLog::Core::record(const Call& call) {
  Shard& shard = shards[absl::HashOf(call.key) % kShards];
  const auto limit = static_cast<std::size_t>(call.limit);
  const Nanos length = absl::ToInt64Nanoseconds(call.window);
  Entry entry;
  {
    const std::lock_guard lock(shard.mutex);
    // Read under the lock: times of one key are recorded in their order.
    const Nanos now = clock.now().nanos();
    Window& window = shard.windowOf(call.key, now);
    window.window = length;
    std::size_t count = window.keepAfter(now - length);
    entry.recorded = count < limit;
    if (entry.recorded) {
      window.add(now);
      ++count;
    }
    entry.count = static_cast<std::int64_t>(count);
    const Nanos leaving = window.at(count > limit ? count - limit : 0);
    entry.until_room = absl::Nanoseconds(leaving + length - now);
  }
  entry.room_at = clock.wallTime() + std::chrono::microseconds(absl::ToInt64Microseconds(
                                         absl::Ceil(entry.until_room, absl::Microseconds(1))));
  return entry;
}

InMemoryRateLimitLog::InMemoryRateLimitLog(const Clock& clock)
    : core_(std::make_unique<Core>(clock)) {}
InMemoryRateLimitLog::~InMemoryRateLimitLog() = default;

std::vector<absl::StatusOr<RateLimitLog::Entry>> InMemoryRateLimitLog::record(
    absl::Span<const Call> calls, Deadline deadline) {
  std::vector<absl::StatusOr<Entry>> entries;
  entries.reserve(calls.size());
  const absl::Status in_time = ping(deadline);
  for (const Call& call : calls) {
    entries.push_back(in_time.ok() ? absl::StatusOr<Entry>(core_->record(call)) : in_time);
  }
  return entries;
}

absl::Status InMemoryRateLimitLog::ping(Deadline deadline) {
  if (!deadline.hasPassed(core_->clock)) return absl::OkStatus();
  return absl::DeadlineExceededError("in memory: the deadline had passed before the call");
}

Health InMemoryRateLimitLog::healthCheck() {
  return {.component = "rate-limit-log", .backend = "in-memory"};
}

std::size_t InMemoryRateLimitLog::size() const {
  std::size_t size = 0;
  for (const Shard& shard : core_->shards) {
    const std::lock_guard lock(shard.mutex);
    size += shard.windows.size();
  }
  return size;
}

}  // namespace strata
