#include "src/cache/pending_deletes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "src/base/mutants.h"
#include "src/base/outage.h"
#include "src/base/refused_tasks.h"
#include "strata/base/internal/user_calls.h"
#include "strata/cache/cache.h"

namespace strata::internal {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr std::size_t kKeysPerCall = 256;
// To find what is due costs a look at every key.
constexpr std::size_t kKeysPerAttempt = 16 * kKeysPerCall;

// How long after a deletion the next one follows: at 1, 5 and 30 s in all.
constexpr std::array kRepetitions{absl::Seconds(25), absl::Seconds(4), absl::Seconds(1)};

// Of fixed width: none is the beginning of another.
std::string epochText(std::uint64_t epoch) { return fmt::format("{:020}", epoch); }

// The first of two failures that is not one server's alone, if either is; else the first.
absl::Status worseOf(absl::Status first, absl::Status second) {
  const bool is_worse = exceptOfOneServer(first).ok() && !exceptOfOneServer(second).ok();
  return first.ok() || is_worse ? second : first;
}

// Zero for what is no number: whatever follows is larger.
std::uint64_t epochOf(std::string_view text) {
  std::uint64_t epoch = 0;
  std::from_chars(text.data(), text.data() + text.size(), epoch);
  return epoch;
}

}  // namespace

PendingDeletes::PendingDeletes(Cache& cache, Options options, Metrics& metrics, const Clock& clock,
                               std::shared_ptr<Executor> executor)
    : cache_(cache),
      options_(std::move(options)),
      clock_(clock),
      keys_gauge_(metrics.gauge("strata_pending_deletes", {{"cache", options_.name}})),
      age_gauge_(
          metrics.gauge("strata_pending_deletes_oldest_seconds", {{"cache", options_.name}})),
      overflows_(
          metrics.counter("strata_pending_deletes_forgotten_total", {{"cache", options_.name}})),
      background_(std::move(executor), clock) {}

void PendingDeletes::add(absl::Span<const std::string> keys) { remember(keys, 0); }

void PendingDeletes::addUncertain(absl::Span<const std::string> keys) {
  remember(keys, kRepetitions.size());
}

void PendingDeletes::remember(absl::Span<const std::string> keys, std::uint8_t repetitions) {
  const MonotonicTime now = clock_.now();
  bool start = false;
  std::int64_t forgotten = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : keys) {
      const std::uint64_t failure = next_failure_++;
      const Entry fresh{.since = now};
      if (entries_.size() < options_.max_keys || entries_.contains(key)) {
        renew(entries_.try_emplace(key, fresh).first->second, failure, now, repetitions);
      } else {
        if (!forgotten_) forgotten_ = fresh;
        renew(*forgotten_, failure, now, repetitions);
        ++forgotten;
      }
    }
    publish();
    start = !std::exchange(is_retrying_, true);
  }
  if (forgotten > 0) overflows_.add(forgotten);
  if (start) background_.schedule(kFirstPause, [this] { retry(kFirstPause); });
}

void PendingDeletes::renew(Entry& entry, std::uint64_t failure, MonotonicTime now,
                           std::uint8_t repetitions) {
  if (repetitions > 0) {
    entry.put_off = {};  // they begin anew
  } else if (entry.due > now) {
    entry.put_off = entry.due;
  }
  entry.failure = failure;
  entry.due = now;
  entry.round = 0;
  entry.repetitions = std::max(entry.repetitions, repetitions);
}

bool PendingDeletes::repeats(Entry& entry, MonotonicTime now) {
  const MonotonicTime put_off = std::exchange(entry.put_off, {});
  if (put_off > now) {
    entry.due = put_off;
    return true;
  }
  if (entry.repetitions == 0) return false;
  entry.due = now + kRepetitions[--entry.repetitions];
  return true;
}

void PendingDeletes::publish() {
  count_.store(entries_.size() | (forgotten_ ? kOverflowed : 0), std::memory_order_release);
  keys_gauge_.set(static_cast<std::int64_t>(entries_.size()));
}

bool PendingDeletes::covers(std::string_view key) const {
  const std::size_t count = count_.load(std::memory_order_acquire);
  if (count == 0) return false;
  retryRefused();  // a retry may have found no thread
  if ((count & kOverflowed) != 0) return true;
  const std::lock_guard lock(mutex_);
  return entries_.contains(key);
}

// ---- Deleting ----

absl::Status PendingDeletes::drain() {
  return callOut("cache", [this] { return deleteAllDue(); });
}

absl::Status PendingDeletes::deleteAllDue() {
  const std::uint64_t round = beginRound();
  absl::Status failed;
  while (true) {
    const Attempt attempt = nextAttempt(round);
    if (attempt.keys.empty()) break;
    for (std::size_t first = 0; first < attempt.keys.size(); first += kKeysPerCall) {
      const Tried tried = tryFrom(attempt, first);
      failed = worseOf(std::move(failed), tried.failed);
      if (!tried.any_deleted && !exceptOfOneServer(tried.failed).ok()) return failed;
    }
  }
  return worseOf(std::move(failed), moveEpoch());
}

std::uint64_t PendingDeletes::beginRound() {
  const std::lock_guard lock(mutex_);
  return ++last_round_;
}

PendingDeletes::Attempt PendingDeletes::nextAttempt(std::uint64_t round) {
  const MonotonicTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  Attempt attempt;
  for (auto& [key, entry] : entries_) {
    if (attempt.keys.size() == kKeysPerAttempt) break;
    if (entry.due > now || entry.round >= round) continue;
    entry.round = round;
    attempt.keys.push_back(key);
    attempt.failures.push_back(entry.failure);
  }
  return attempt;
}

PendingDeletes::Tried PendingDeletes::tryFrom(const Attempt& attempt, std::size_t first) {
  const auto keys = absl::Span<const std::string>(attempt.keys).subspan(first, kKeysPerCall);
  const std::vector<absl::Status> removed = cache_.removeEach(keys);
  if (removed.size() != keys.size()) {
    return {.failed = absl::InternalError("cache: it has not answered for each key")};
  }
  settle(attempt, first, removed);
  Tried tried;
  for (const absl::Status& one : removed) {
    tried.failed = worseOf(std::move(tried.failed), one);
    tried.any_deleted |= one.ok();
  }
  return tried;
}

void PendingDeletes::settle(const Attempt& attempt, std::size_t first,
                            absl::Span<const absl::Status> removed) {
  const MonotonicTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < removed.size(); ++i) {
    if (!removed[i].ok()) continue;
    const auto found = entries_.find(attempt.keys[first + i]);
    // A later write's deletion may have failed meanwhile.
    if (found == entries_.end() || found->second.failure != attempt.failures[first + i]) continue;
    if (!repeats(found->second, now)) entries_.erase(found);
  }
  publish();
}

absl::Status PendingDeletes::moveEpoch() {
  std::uint64_t forgotten = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!forgotten_ || forgotten_->due > clock_.now()) return absl::OkStatus();
    forgotten = forgotten_->failure;
  }
  const absl::StatusOr<std::uint64_t> next =
      isAlive(Mutant::kEpochStays) ? absl::StatusOr<std::uint64_t>(epoch()) : nextEpoch();
  if (!next.ok()) return next.status();
  noteEpoch(*next);
  const MonotonicTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  // What was forgotten meanwhile may be older than the epoch.
  const bool is_covered = forgotten_ && forgotten_->failure == forgotten;
  if (is_covered && !repeats(*forgotten_, now)) forgotten_.reset();
  publish();
  return absl::OkStatus();
}

// Taken by compare-and-set, so that no two processes get the same: whatever carries the number was
// leased by somebody who learned of it after this.
absl::StatusOr<std::uint64_t> PendingDeletes::nextEpoch() {
  std::uint64_t next = epoch() + 1;
  std::string text = epochText(next);
  const LeaseRequest first{options_.epoch_key, text};
  absl::StatusOr<LeaseReply> present = std::move(cache_.getOrLease({&first, 1}, kMaxTtl).front());
  while (true) {
    if (!present.ok()) return present.status();
    if (present->leased) return next;
    if (!present->found) return absl::ResourceExhaustedError("the cache stores nothing now");
    next = std::max(next, epochOf(*present->found) + 1);
    text = epochText(next);
    const CompareAndSet raise{options_.epoch_key, *present->found, text, kMaxTtl,
                              present->incarnation};
    const absl::StatusOr<bool> raised = std::move(cache_.compareAndSet({&raise, 1}).front());
    if (!raised.ok()) return raised.status();
    if (*raised) return next;
    text = epochText(next);
    const LeaseRequest again{options_.epoch_key, text};
    present = std::move(cache_.getOrLease({&again, 1}, kMaxTtl).front());
  }
}

void PendingDeletes::noteEpoch(std::uint64_t seen) {
  std::uint64_t known = epoch();
  while (known < seen && !epoch_.compare_exchange_weak(known, seen, std::memory_order_acq_rel)) {
  }
}

void PendingDeletes::retry(absl::Duration pause) {
  const bool done = options_.may_retry() && drain().ok();
  pause = done ? kFirstPause : std::min(2 * pause, kLongestPause);
  const absl::Duration next = untilNext();
  const absl::Duration wait = done ? next : pause;
  {
    const std::lock_guard lock(mutex_);
    is_retrying_ = !entries_.empty() || forgotten_.has_value();
    if (!is_retrying_) return;
  }
  background_.schedule(wait, [this, pause] { retry(pause); });
}

absl::Duration PendingDeletes::untilNext() const {
  const MonotonicTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  absl::Duration next = kLongestPause;
  MonotonicTime oldest = now;
  const auto consider = [&](const Entry& entry) {
    next = std::min(next, entry.due - now);
    oldest = std::min(oldest, entry.since);
  };
  for (const auto& [key, entry] : entries_) consider(entry);
  if (forgotten_) consider(*forgotten_);
  age_gauge_.set(absl::ToInt64Seconds(now - oldest));
  return std::max(next, kFirstPause);
}

}  // namespace strata::internal
