#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "src/events/event_budget.h"
#include "src/events/outbox.h"
#include "src/events/queue.h"
#include "src/events/sequences.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/events/event_hub.h"

namespace strata::internal {

// What became of an event or a gap, for the caller to count and to tell once no lock is held.
struct EventTally {
  std::vector<std::shared_ptr<EventQueue>> ready;  // `tellReady`
  std::int64_t delivered = 0;
  std::int64_t slow = 0;
  std::int64_t duplicates = 0;
  std::array<std::int64_t, 3> gaps{};  // by EventGap::Reason
  EventOutbox::Pushed pushed;
};

// The channels of a hub: who listens here, what was published here, what was heard of others. All
// of a channel is behind one lock of a few dozen, so that the order of its sequence numbers is the
// order in every queue and in the outbox. Thread-safe; names are the transport's.
//
// A channel without subscribers is kept for the sake of its counter, the least recently used ones
// only as long as there is room. One that is made anew counts on from above whatever was
// forgotten: nobody can take its events for old ones, but who heard the old ones may see a gap.
class EventChannels {
 public:
  // `budget`: of the events that wait in the queues of its subscribers.
  explicit EventChannels(std::shared_ptr<EventBudget> budget, std::size_t max_idle = 65'536)
      : budget_(std::move(budget)), max_idle_(max_idle / kShards) {}

  // Gives `event` its sequence, and puts it into every queue and the outbox, if there is one.
  EventTally publish(const std::string& name, const std::shared_ptr<Event>& event,
                     EventOutbox* outbox, MonotonicTime now);

  // True: it is the first of the channel.
  bool join(const std::string& name, std::shared_ptr<EventQueue> queue);
  // True: it was the last. False also when it is not there.
  bool leave(const std::string& name, const EventQueue& queue);

  // An event, or a notice of lost ones, of another hub.
  EventTally receive(std::string_view name, const std::shared_ptr<const Event>& event);
  // A message of the channel was lost, or cannot be read.
  EventTally lose(std::string_view name);
  // Messages of any channel may be lost.
  EventTally disconnected();

  void close();

 private:
  struct Channel {
    void tell(std::shared_ptr<const Event> event, const std::shared_ptr<EventBudget>& budget,
              EventTally& tally) const;
    void tellGap(EventGap gap, EventTally& tally) const;

    std::shared_ptr<const std::string> name;
    std::uint64_t published = 0;
    std::vector<std::shared_ptr<EventQueue>> subscribers;
    EventSequences others;  // while there are subscribers
  };
  using Channels = std::list<Channel>;

  struct Shard {
    Channel& channel(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // Null when it has no subscribers.
    Channel* subscribed(std::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    void forgetIdle(std::size_t max_idle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

    std::mutex mutex;
    SeededMap<Channels::iterator> by_name ABSL_GUARDED_BY(mutex);
    Channels active ABSL_GUARDED_BY(mutex);  // have subscribers
    Channels idle ABSL_GUARDED_BY(mutex);    // the most recently used first
    // The highest counter that was forgotten.
    std::uint64_t forgotten ABSL_GUARDED_BY(mutex) = 0;
  };

  static constexpr std::size_t kShards = 64;

  Shard& shardOf(std::string_view name);

  const std::shared_ptr<EventBudget> budget_;
  const std::size_t max_idle_;  // in each shard
  std::array<Shard, kShards> shards_;
};

}  // namespace strata::internal
