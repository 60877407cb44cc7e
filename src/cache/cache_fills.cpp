#include "src/cache/cache_fills.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "src/base/own_deadline.h"
#include "src/cache/mutant_fills.h"

namespace strata::internal {
namespace {

// Of one round trip: what queued up during the last one, within reason.
constexpr std::size_t kMostAtOnce = 256;

std::string fence(const Nonce& lease) {
  std::string prefix(1, static_cast<char>(CellTag::kLease));
  return prefix.append(lease.data(), lease.size());
}

std::vector<absl::StatusOr<bool>> compareAndSet(Cache& cache,
                                                absl::Span<const CompareAndSet> requests,
                                                Deadline deadline = {}) {
  return fillsAreUnfenced() ? unfencedFills(cache, requests)
                            : cache.compareAndSet(requests, deadline);
}

}  // namespace

CacheFills::CacheFills(Cache& cache, LoadsUnderWay& loads, CacheMetrics& metrics,
                       std::size_t max_queued, const Clock& clock,
                       std::shared_ptr<Executor> executor)
    : cache_(cache),
      loads_(loads),
      metrics_(metrics),
      max_queued_(max_queued),
      clock_(clock),
      background_(std::move(executor), clock) {}

CacheFills::~CacheFills() {
  background_.end();
  sendQueued();
}

void CacheFills::send(std::vector<Fill> fills) {
  if (fills.empty()) return;
  max_queued_ == 0 ? sendNow(fills) : enqueue(std::move(fills));
}

void CacheFills::enqueue(std::vector<Fill> fills) {
  std::vector<Nonce> queued;
  std::vector<Nonce> refused;
  bool start = false;
  {
    const std::lock_guard lock(mutex_);
    for (Fill& fill : fills) {
      const bool has_room = queue_.size() < max_queued_;
      (has_room ? queued : refused).push_back(fill.lease);
      if (has_room) queue_.push_back(std::move(fill));
    }
    start = !std::exchange(is_sending_, true);
  }
  // Their leases expire by themselves.
  for (const Nonce& lease : refused) {
    metrics_.fills[Filled::kQueueFull].increment();
    loads_.end(lease, false);
  }
  // Without a thread the caller sends them: readers of this process wait for them.
  if (start && !background_.trySchedule(absl::ZeroDuration(), [this] { sendQueued(); })) {
    sendQueuedByNow();
  }
  for (const Nonce& lease : queued) loads_.queued(lease);
}

std::optional<CacheFills::Fill> CacheFills::takeQueued(const Nonce& lease) {
  const std::lock_guard lock(mutex_);
  // The waiting reader was notified when the fill was queued, so it is one of the last.
  const auto found = std::find_if(queue_.rbegin(), queue_.rend(),
                                  [&lease](const Fill& fill) { return fill.lease == lease; });
  if (found == queue_.rend()) return std::nullopt;
  std::optional<Fill> fill = std::move(*found);
  queue_.erase(std::prev(found.base()));
  return fill;
}

bool CacheFills::sendQueuedOf(const Nonce& lease, Deadline deadline) {
  std::optional<Fill> fill = takeQueued(lease);
  if (!fill || isLate(*fill, clock_.now())) return true;
  const std::string expected = fence(lease);
  const CompareAndSet request{fill->key, expected, fill->cell, fill->ttl, fill->incarnation};
  const absl::StatusOr<bool> reply = compareAndSet(cache_, {&request, 1}, deadline).front();
  if (!isOwnDeadline(reply.status(), deadline, clock_)) {
    note(*fill, reply);
    return true;
  }
  // It may have been stored: then the next attempt finds no lease, and is counted as lost.
  std::vector<Fill> again;
  again.push_back(*std::move(fill));
  enqueue(std::move(again));
  return false;
}

void CacheFills::sendQueued() {
  while (true) {
    std::vector<Fill> fills;
    {
      const std::lock_guard lock(mutex_);
      fills = takeBatch();
      is_sending_ = !fills.empty();
    }
    if (fills.empty()) return;
    sendNow(fills);
  }
}

void CacheFills::sendQueuedByNow() {
  std::vector<std::vector<Fill>> batches;
  {
    const std::lock_guard lock(mutex_);
    // Reset before sending: a fill that is queued from here on schedules a sender of its own, so none
    // is left without one, and this caller sends no more than the fills in the queue now.
    is_sending_ = false;
    while (!queue_.empty()) batches.push_back(takeBatch());
  }
  for (const std::vector<Fill>& fills : batches) sendNow(fills);
}

std::vector<CacheFills::Fill> CacheFills::takeBatch() {
  std::vector<Fill> fills;
  const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), kMostAtOnce));
  std::move(queue_.begin(), queue_.begin() + count, std::back_inserter(fills));
  queue_.erase(queue_.begin(), queue_.begin() + count);
  return fills;
}

void CacheFills::sendNow(absl::Span<const Fill> fills) {
  std::vector<Due> due;
  due.reserve(fills.size());
  for (const Fill& fill : fills) due.push_back({this, &fill});
  sendNow(due);
}

void CacheFills::sendTogether(std::vector<Owed> fills) {
  std::vector<Due> due;
  for (Owed& owed : fills) {
    if (owed.by->max_queued_ == 0) {
      due.push_back({owed.by, &owed.fill});
    } else {
      std::vector<Fill> queued;
      queued.push_back(std::move(owed.fill));
      owed.by->enqueue(std::move(queued));
    }
  }
  auto rest = due.begin();
  while (rest != due.end()) {
    const Cache* const cache = &rest->by->cache_;
    const auto end = std::stable_partition(
        rest, due.end(), [cache](const Due& other) { return &other.by->cache_ == cache; });
    sendNow({&*rest, static_cast<std::size_t>(end - rest)});
    rest = end;
  }
}

bool CacheFills::isLate(const Fill& fill, MonotonicTime now) {
  if (fill.expires > now) return false;
  metrics_.fills[Filled::kLate].increment();
  loads_.end(fill.lease, false);
  return true;
}

void CacheFills::sendNow(absl::Span<const Due> due) {
  CacheFills& first = *due.front().by;
  const MonotonicTime now = first.clock_.now();
  std::vector<Due> sent;
  std::vector<std::string> fences;
  for (const Due& one : due) {
    if (one.by->isLate(*one.fill, now)) continue;
    sent.push_back(one);
    fences.push_back(fence(one.fill->lease));
  }
  if (sent.empty()) return;
  std::vector<CompareAndSet> requests;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const Fill& fill = *sent[i].fill;
    requests.push_back({fill.key, fences[i], fill.cell, fill.ttl, fill.incarnation});
  }
  const auto replies = compareAndSet(first.cache_, requests);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i].by->note(*sent[i].fill, replies[i]);
}

void CacheFills::note(const Fill& fill, const absl::StatusOr<bool>& reply) {
  const bool stored = reply.ok() && *reply;
  const Filled failed = reply.ok() ? Filled::kLost : Filled::kError;
  metrics_.fills[stored ? fill.outcome : failed].increment();
  // A lost lease was taken by a deletion: who waits for it may lease anew.
  loads_.end(fill.lease, stored ? fill.outcome == Filled::kStored : failed == Filled::kLost);
}

}  // namespace strata::internal
