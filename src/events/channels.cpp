#include "src/events/channels.h"

#include <algorithm>
#include <utility>

#include "src/events/envelope.h"
#include "strata/base/internal/seeded_hash.h"

namespace strata::internal {
namespace {

void note(const std::shared_ptr<EventQueue>& queue, const EventQueue::Pushed& pushed,
          EventGap::Reason reason, EventTally& tally) {
  if (pushed.new_gap) ++tally.gaps[static_cast<std::size_t>(reason)];
  if (pushed.was_empty) tally.ready.push_back(queue);
}

}  // namespace

void EventChannels::Channel::tell(std::shared_ptr<const Event> event,
                                  const std::shared_ptr<EventBudget>& budget,
                                  EventTally& tally) const {
  if (subscribers.empty()) return;
  const auto waiting = WaitingEvent::make(std::move(event), budget);
  for (const std::shared_ptr<EventQueue>& queue : subscribers) {
    const EventQueue::Pushed pushed = queue->push(waiting);
    ++(pushed.stored ? tally.delivered : tally.slow);
    note(queue, pushed, EventGap::Reason::kSlow, tally);
  }
}

void EventChannels::Channel::tellGap(EventGap gap, EventTally& tally) const {
  for (const std::shared_ptr<EventQueue>& queue : subscribers) {
    note(queue, queue->pushGap(gap), gap.reason, tally);
  }
}

EventChannels::Channel& EventChannels::Shard::channel(const std::string& name) {
  const auto found = by_name.find(name);
  if (found != by_name.end()) {
    if (found->second->subscribers.empty()) idle.splice(idle.begin(), idle, found->second);
    return *found->second;
  }
  idle.push_front({.name = std::make_shared<const std::string>(name), .published = forgotten});
  by_name.emplace(name, idle.begin());
  return idle.front();
}

EventChannels::Channel* EventChannels::Shard::subscribed(std::string_view name) {
  const auto found = by_name.find(name);
  if (found == by_name.end() || found->second->subscribers.empty()) return nullptr;
  return &*found->second;
}

void EventChannels::Shard::forgetIdle(std::size_t max_idle) {
  while (idle.size() > max_idle) {
    forgotten = std::max(forgotten, idle.back().published);
    by_name.erase(*idle.back().name);
    idle.pop_back();
  }
}

EventChannels::Shard& EventChannels::shardOf(std::string_view name) {
  return shards_[shardOfHash(seededHash(name), kShards)];
}

EventTally EventChannels::publish(const std::string& name, const std::shared_ptr<Event>& event,
                                  EventOutbox* outbox, MonotonicTime now) {
  EventTally tally;
  Shard& shard = shardOf(name);
  const std::lock_guard lock(shard.mutex);
  Channel& channel = shard.channel(name);
  event->sequence = ++channel.published;
  channel.tell(event, budget_, tally);
  if (outbox != nullptr) {
    tally.pushed = outbox->push({.channel = channel.name, .event = event, .since = now});
  }
  shard.forgetIdle(max_idle_);
  return tally;
}

bool EventChannels::join(const std::string& name, std::shared_ptr<EventQueue> queue) {
  Shard& shard = shardOf(name);
  const std::lock_guard lock(shard.mutex);
  Channel& channel = shard.channel(name);
  const bool is_first = channel.subscribers.empty();
  if (is_first) shard.active.splice(shard.active.begin(), shard.idle, shard.by_name.at(name));
  channel.subscribers.push_back(std::move(queue));
  return is_first;
}

bool EventChannels::leave(const std::string& name, const EventQueue& queue) {
  std::shared_ptr<EventQueue> left;  // destroyed once the lock is not held
  Shard& shard = shardOf(name);
  const std::lock_guard lock(shard.mutex);
  Channel* channel = shard.subscribed(name);
  if (channel == nullptr) return false;
  auto& subscribers = channel->subscribers;
  const auto found = std::find_if(subscribers.begin(), subscribers.end(),
                                  [&](const auto& one) { return one.get() == &queue; });
  if (found == subscribers.end()) return false;
  std::swap(*found, subscribers.back());
  left = std::move(subscribers.back());
  subscribers.pop_back();
  if (!subscribers.empty()) return false;
  channel->others.clear();
  shard.idle.splice(shard.idle.begin(), shard.active, shard.by_name.at(name));
  shard.forgetIdle(max_idle_);
  return true;
}

EventTally EventChannels::receive(std::string_view name,
                                  const std::shared_ptr<const Event>& event) {
  EventTally tally;
  Shard& shard = shardOf(name);
  const std::lock_guard lock(shard.mutex);
  Channel* channel = shard.subscribed(name);
  if (channel == nullptr) return tally;
  const bool is_notice = isLostNotice(*event);
  const EventSequences::Verdict verdict =
      is_notice ? channel->others.lost(event->instance_id, event->sequence, missedOf(*event))
                : channel->others.heard(event->instance_id, event->sequence);
  if (!verdict.is_new) ++tally.duplicates;
  if (verdict.gap) {
    channel->tellGap({.reason = EventGap::Reason::kSequence, .missed = verdict.missed}, tally);
  }
  if (verdict.is_new && !is_notice) channel->tell(event, budget_, tally);
  return tally;
}

EventTally EventChannels::lose(std::string_view name) {
  EventTally tally;
  Shard& shard = shardOf(name);
  const std::lock_guard lock(shard.mutex);
  if (Channel* channel = shard.subscribed(name)) {
    channel->tellGap({.reason = EventGap::Reason::kSequence, .missed = 0}, tally);
  }
  return tally;
}

EventTally EventChannels::disconnected() {
  EventTally tally;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (Channel& channel : shard.active) {
      channel.others.disconnected();
      channel.tellGap({.reason = EventGap::Reason::kDisconnected, .missed = 0}, tally);
    }
  }
  return tally;
}

void EventChannels::close() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const Channel& channel : shard.active) {
      for (const std::shared_ptr<EventQueue>& queue : channel.subscribers) queue->close();
    }
  }
}

}  // namespace strata::internal
