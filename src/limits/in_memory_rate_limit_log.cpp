#include "strata/limits/in_memory_rate_limit_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/node_hash_map.h"
#include "strata/base/internal/seeded_hash.h"

namespace strata {
namespace {

using Nanos = std::int64_t;

constexpr std::size_t kShards = 16;
// Of the keys whose windows are over, so many are looked at by one call: many that end together are
// no matter of one caller.
constexpr std::size_t kSweptPerCall = 64;
// A health check is to be quick, too: tens of milliseconds.
constexpr std::size_t kForgottenPerHealthCheck = 65'536;
constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

// Whether memory for `capacity` is to be given back when `size` is used. Far from where it grows.
bool isTooRoomy(std::size_t size, std::size_t capacity) {
  constexpr std::size_t kSmall = 64;
  return capacity > kSmall && size < capacity / 8;
}

// The calls under one key, oldest first.
class Window {
 public:
  // What is left when everything up to `until` has gone.
  std::size_t keepAfter(Nanos until) {
    while (first_ < times_.size() && times_[first_] <= until) ++first_;
    if (first_ * 2 > times_.size()) {
      times_.erase(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
      if (isTooRoomy(times_.size(), times_.capacity())) times_.shrink_to_fit();
    }
    return size();
  }
  void add(Nanos time) { times_.push_back(size() == 0 ? time : std::max(time, times_.back() + 1)); }
  std::size_t size() const { return times_.size() - first_; }
  Nanos at(std::size_t index) const { return times_[first_ + index]; }
  // When the last of it leaves its window.
  Nanos end() const { return size() == 0 ? 0 : times_.back() + window; }

  Nanos window = 0;

 private:
  std::vector<Nanos> times_;
  std::size_t first_ = 0;  // those before have left
};

// Some of the keys. Not thread-safe.
class Windows {
 public:
  // Null: there is none.
  Window* find(std::string_view key) {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &found->second;
  }
  // Of a key that has none. Call `noteEnd` once it has its first call.
  Window& add(std::string_view key) {
    const auto added = by_key_.try_emplace(std::string(key)).first;
    ends_.push_back({0, &added->first});
    return added->second;
  }
  // Of the window that was added last.
  void noteEnd(Nanos end) {
    ends_.back().at = end;
    std::push_heap(ends_.begin(), ends_.end(), std::greater<>());
  }

  bool mayForget(Nanos now) const { return !ends_.empty() && ends_.front().at <= now; }
  // Forgets keys whose windows are over, having looked at some; how many it forgot.
  std::size_t sweep(Nanos now) {
    std::size_t forgotten = 0;
    for (std::size_t i = 0; i < kSweptPerCall && mayForget(now); ++i) {
      std::pop_heap(ends_.begin(), ends_.end(), std::greater<>());
      const auto found = by_key_.find(*ends_.back().key);
      const Nanos end = found->second.end();
      if (end > now) {  // there were calls since
        noteEnd(end);
        continue;
      }
      ends_.pop_back();
      by_key_.erase(found);
      ++forgotten;
    }
    if (forgotten > 0) giveMemoryBack();
    return forgotten;
  }

 private:
  struct End {
    friend bool operator>(const End& a, const End& b) { return a.at > b.at; }

    Nanos at;
    const std::string* key;
  };

  void giveMemoryBack() {
    if (isTooRoomy(by_key_.size(), by_key_.bucket_count())) by_key_.rehash(0);
    if (isTooRoomy(ends_.size(), ends_.capacity())) ends_.shrink_to_fit();
  }

  // Its nodes do not move.
  absl::node_hash_map<std::string, Window, internal::SeededHash, std::equal_to<>> by_key_;
  // A heap of one entry for each key, the earliest in front. No window ends before its entry.
  std::vector<End> ends_;
};

struct Shard {
  std::mutex mutex;
  Windows windows ABSL_GUARDED_BY(mutex);
};

}  // namespace

struct InMemoryRateLimitLog::Core {
  Core(const Clock& clock_in, std::size_t max_keys_in) : clock(clock_in), max_keys(max_keys_in) {}

  absl::StatusOr<Entry> record(const Call& call);
  // None: there is no place for a new key.
  std::optional<Entry> tryRecord(const Call& call);
  static Entry recordIn(Window& window, const Call& call, Nanos now);
  bool takePlace();
  // Forgets keys whose windows are over, about `enough` where there are so many; how many it forgot.
  std::size_t sweep(std::size_t enough);
  // False: there are none left to forget in it.
  bool sweepSome(Shard& shard, std::size_t& forgotten);

  const Clock& clock;
  const std::size_t max_keys;
  std::array<Shard, kShards> shards;
  std::atomic<std::size_t> keys{0};
  std::atomic<std::size_t> calls{0};
};

bool InMemoryRateLimitLog::Core::takePlace() {
  std::size_t taken = keys.load();
  do {
    if (taken >= max_keys) return false;
  } while (!keys.compare_exchange_weak(taken, taken + 1));
  return true;
}

bool InMemoryRateLimitLog::Core::sweepSome(Shard& shard, std::size_t& forgotten) {
  const std::lock_guard lock(shard.mutex);
  const Nanos now = clock.now().nanos();
  const std::size_t swept = shard.windows.sweep(now);
  keys -= swept;
  forgotten += swept;
  return shard.windows.mayForget(now);
}

std::size_t InMemoryRateLimitLog::Core::sweep(std::size_t enough) {
  std::size_t forgotten = 0;
  for (Shard& shard : shards) {
    while (forgotten < enough && sweepSome(shard, forgotten)) continue;
  }
  return forgotten;
}

RateLimitLog::Entry InMemoryRateLimitLog::Core::recordIn(Window& window, const Call& call,
                                                         Nanos now) {
  const auto limit = static_cast<std::size_t>(call.limit);
  const Nanos length = absl::ToInt64Nanoseconds(call.window);
  window.window = length;
  std::size_t count = window.keepAfter(now - length);
  Entry entry;
  entry.recorded = count < limit;
  if (entry.recorded) {
    window.add(now);
    ++count;
  }
  entry.count = static_cast<std::int64_t>(count);
  const Nanos leaving = window.at(count > limit ? count - limit : 0);
  entry.until_room = absl::Nanoseconds(leaving + length - now);
  return entry;
}

std::optional<RateLimitLog::Entry> InMemoryRateLimitLog::Core::tryRecord(const Call& call) {
  Shard& shard = shards[internal::shardOfHash(internal::seededHash(call.key), kShards)];
  const std::lock_guard lock(shard.mutex);
  // Read under the lock: times of one key are recorded in their order.
  const Nanos now = clock.now().nanos();
  keys -= shard.windows.sweep(now);
  if (Window* const window = shard.windows.find(call.key)) return recordIn(*window, call, now);
  if (!takePlace()) return std::nullopt;
  Window& added = shard.windows.add(call.key);
  const Entry entry = recordIn(added, call, now);
  shard.windows.noteEnd(added.end());
  return entry;
}

absl::StatusOr<RateLimitLog::Entry> InMemoryRateLimitLog::Core::record(const Call& call) {
  // So that memory is given back where only some keys are still in use.
  const std::size_t turn = calls.fetch_add(1, std::memory_order_relaxed);
  std::size_t forgotten = 0;
  if (turn % kShards == 0) sweepSome(shards[turn / kShards % kShards], forgotten);
  std::optional<Entry> entry = tryRecord(call);
  if (!entry && sweep(1) > 0) entry = tryRecord(call);
  if (!entry) {
    return absl::ResourceExhaustedError(fmt::format(
        "in memory: {} keys have calls in their windows, and no more are kept", max_keys));
  }
  entry->room_at = clock.wallTime() + std::chrono::microseconds(absl::ToInt64Microseconds(
                                          absl::Ceil(entry->until_room, absl::Microseconds(1))));
  return *entry;
}

InMemoryRateLimitLog::InMemoryRateLimitLog(const Clock& clock, InMemoryRateLimitLogOptions options)
    : core_(std::make_unique<Core>(clock, std::max<std::size_t>(options.max_keys, 1))) {}
InMemoryRateLimitLog::~InMemoryRateLimitLog() = default;

std::vector<absl::StatusOr<RateLimitLog::Entry>> InMemoryRateLimitLog::record(
    absl::Span<const Call> calls, Deadline deadline) {
  std::vector<absl::StatusOr<Entry>> entries;
  entries.reserve(calls.size());
  const absl::Status in_time = ping(deadline);
  for (const Call& call : calls) {
    entries.push_back(in_time.ok() ? core_->record(call) : in_time);
  }
  return entries;
}

absl::Status InMemoryRateLimitLog::ping(Deadline deadline) {
  if (!deadline.hasPassed(core_->clock)) return absl::OkStatus();
  return absl::DeadlineExceededError("in memory: the deadline had passed before the call");
}

Health InMemoryRateLimitLog::healthCheck() {
  core_->sweep(kForgottenPerHealthCheck);  // probes give memory back where no calls come
  return {.component = "rate-limit-log", .backend = "in-memory"};
}

std::size_t InMemoryRateLimitLog::size() const {
  core_->sweep(kAll);
  return core_->keys;
}

}  // namespace strata
