#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/events/event.h"

namespace strata::internal {

// What a hub has published and not yet sent, oldest first. Bounded: what does not fit, and what has
// waited for too long, is dropped from the old end. The receivers are told: for each channel that
// lost events one notice (event_envelope.h) goes out ahead of everything else. Thread-safe.
class EventOutbox {
 public:
  struct Item {
    std::shared_ptr<const std::string> channel;
    std::shared_ptr<const Event> event;
    MonotonicTime since;
  };
  struct Limits {
    std::size_t max_messages = 0;
    std::size_t max_bytes = 0;
    absl::Duration give_up_after;
  };
  struct Pushed {
    bool start = false;  // nobody sends: the caller has to see to it that somebody does
    std::int64_t dropped = 0;
  };
  struct Batch {
    bool isEmpty() const { return items.empty() && !loopback; }

    std::optional<Item> loopback;  // goes first
    std::vector<Item> items;
    std::int64_t gave_up = 0;
  };
  // What became of the loopback message that was pushed last.
  struct Loopback {
    enum class State : std::uint8_t { kWaiting, kSent, kFailed };
    State state = State::kWaiting;
    MonotonicTime sent_at;
  };

  // So many channels are remembered for a notice; of others the receivers learn by the sequence of
  // the next event.
  static constexpr std::size_t kMaxLostChannels = 10'000;

  EventOutbox(std::string instance_id, Limits limits)
      : instance_id_(std::move(instance_id)), limits_(limits) {}

  Pushed push(Item item);
  // The message of a LoopbackCheck, in the place of one that still waits. It goes out ahead of
  // everything else, and one that cannot be sent is dropped. True: see Pushed::start.
  bool pushLoopback(Item item);
  Loopback loopback() const;
  // Of the one that was taken last.
  void settleLoopback(bool was_sent, MonotonicTime now);
  // The next to send, at most so many and of about 1 MiB. None: from now on nobody sends.
  Batch take(std::size_t max_messages, MonotonicTime now);
  // A batch that was not sent; returns how many were dropped.
  std::int64_t putBack(std::vector<Item> items);
  // One that never can be.
  void lose(const Item& item);

  std::size_t size() const;

 private:
  struct Lost {
    std::uint64_t sequence = 0;  // of the last
    std::uint64_t missed = 0;
  };

  std::int64_t trim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Item takeFront() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void noteLost(const Item& item) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void mergeLost(const Item& item, std::uint64_t missed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void takeNotices(std::size_t max_messages, MonotonicTime now, std::vector<Item>& items)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string instance_id_;
  const Limits limits_;

  mutable std::mutex mutex_;
  std::deque<Item> items_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  SeededMap<Lost> lost_ ABSL_GUARDED_BY(mutex_);  // by channel
  bool sending_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Item> waiting_loopback_ ABSL_GUARDED_BY(mutex_);
  Loopback loopback_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::internal
