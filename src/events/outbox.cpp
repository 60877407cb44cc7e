#include "src/events/outbox.h"

#include <algorithm>
#include <utility>

#include "src/events/envelope.h"

namespace strata::internal {
namespace {

constexpr std::size_t kMaxBatchBytes = std::size_t{1} << 20;

// About what it takes here, and as an envelope.
std::size_t bytesOf(const EventOutbox::Item& item) {
  constexpr std::size_t kAround = 256;
  return item.event->data.text().size() + kAround;
}

}  // namespace

EventOutbox::Pushed EventOutbox::push(Item item) {
  const std::lock_guard lock(mutex_);
  bytes_ += bytesOf(item);
  items_.push_back(std::move(item));
  const std::int64_t dropped = trim();
  return {.start = !std::exchange(sending_, true), .dropped = dropped};
}

bool EventOutbox::pushLoopback(Item item) {
  const std::lock_guard lock(mutex_);
  waiting_loopback_ = std::move(item);
  loopback_ = {};
  return !std::exchange(sending_, true);
}

EventOutbox::Loopback EventOutbox::loopback() const {
  const std::lock_guard lock(mutex_);
  return loopback_;
}

void EventOutbox::settleLoopback(bool was_sent, MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  if (waiting_loopback_) return;  // another one was pushed meanwhile
  loopback_.state = was_sent ? Loopback::State::kSent : Loopback::State::kFailed;
  loopback_.sent_at = now;
}

std::int64_t EventOutbox::trim() {
  std::int64_t dropped = 0;
  // One event is let through however large it is.
  while (items_.size() > limits_.max_messages ||
         (bytes_ > limits_.max_bytes && items_.size() > 1)) {
    noteLost(takeFront());
    ++dropped;
  }
  return dropped;
}

EventOutbox::Item EventOutbox::takeFront() {
  Item item = std::move(items_.front());
  items_.pop_front();
  bytes_ -= bytesOf(item);
  return item;
}

void EventOutbox::noteLost(const Item& item) { mergeLost(item, 1); }

void EventOutbox::mergeLost(const Item& item, std::uint64_t missed) {
  if (lost_.size() >= kMaxLostChannels && !lost_.contains(*item.channel)) return;
  Lost& lost = lost_[*item.channel];
  lost.sequence = std::max(lost.sequence, item.event->sequence);
  lost.missed += missed;
}

EventOutbox::Batch EventOutbox::take(std::size_t max_messages, MonotonicTime now) {
  Batch batch;
  const std::lock_guard lock(mutex_);
  batch.loopback = std::exchange(waiting_loopback_, std::nullopt);
  while (!items_.empty() && now - items_.front().since > limits_.give_up_after) {
    noteLost(takeFront());
    ++batch.gave_up;
  }
  takeNotices(max_messages, now, batch.items);
  std::size_t bytes = 0;
  while (!items_.empty() && batch.items.size() < max_messages) {
    bytes += bytesOf(items_.front());
    if (bytes > kMaxBatchBytes && !batch.items.empty()) break;
    batch.items.push_back(takeFront());
  }
  sending_ = !batch.isEmpty();
  return batch;
}

void EventOutbox::takeNotices(std::size_t max_messages, MonotonicTime now,
                              std::vector<Item>& items) {
  while (!lost_.empty() && items.size() < max_messages) {
    const auto lost = lost_.begin();
    items.push_back({.channel = std::make_shared<const std::string>(lost->first),
                     .event = std::make_shared<const Event>(
                         lostNotice(instance_id_, lost->second.sequence, lost->second.missed)),
                     .since = now});
    lost_.erase(lost);
  }
}

std::int64_t EventOutbox::putBack(std::vector<Item> items) {
  const std::lock_guard lock(mutex_);
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    if (isLostNotice(*item->event)) {
      mergeLost(*item, missedOf(*item->event));
      continue;
    }
    bytes_ += bytesOf(*item);
    items_.push_front(std::move(*item));
  }
  return trim();
}

void EventOutbox::lose(const Item& item) {
  const std::lock_guard lock(mutex_);
  // A notice that cannot be sent either is forgotten: its channel has a name that nobody takes.
  if (!isLostNotice(*item.event)) noteLost(item);
}

std::size_t EventOutbox::size() const {
  const std::lock_guard lock(mutex_);
  return items_.size();
}

}  // namespace strata::internal
