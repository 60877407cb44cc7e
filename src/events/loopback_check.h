#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "src/base/background.h"
#include "src/events/outbox.h"
#include "src/events/sender.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/events/event_transport.h"

namespace strata::internal {

// Whether a hub hears what is sent: it sends messages to a channel that it alone listens to. A
// connection that is alive proves nothing: behind a pooler LISTEN succeeds, and is forgotten.
//
//   unproven ──heard──► proven ──two in a row were sent and not heard──► deaf
//      ▲                   │                                              │ relisten
//      └──────a gap────────┴──────────────────a gap───────────────────────┘
//
// A message that is not heard is repeated once: a connection that was lost and made anew, or a
// process that did not run for a while, is no deafness. While other messages arrive it may be behind
// those. Nothing follows from a message that could not be sent, or while the transport itself says
// that it does not listen.
//
// Thread-safe. Its tasks do not block.
class LoopbackCheck {
 public:
  struct Options {
    std::string channel;  // the transport's name of it
    std::string instance_id;
    absl::Duration interval;
    // Called when messages of any channel were lost though no connection was.
    std::function<void(const absl::Status& why)> on_loss;
  };

  // All of them must outlive its tasks, which `end` ends.
  LoopbackCheck(Options options, EventTransport& transport, EventOutbox& outbox,
                EventSender& sender, const Clock& clock, std::shared_ptr<Executor> executor);

  // ---- By the hub ----
  const std::string& channel() const { return options_.channel; }
  // Before anybody publishes: the first message, and waits for it. Errors as from
  // EventTransport::start.
  absl::Status prove(Deadline deadline);
  // From now on every interval.
  void begin();
  // Waits for a task that is running. Once, before the transport ends.
  void end();
  // Waits until it is proven. Unavailable: it is deaf, or the hub has ended. DeadlineExceeded.
  absl::Status await(Deadline deadline) const;
  // Ok while it is proven; or Unavailable that says what was sent and not heard, and what to do.
  absl::Status state() const;

  // ---- By the transport's thread ----
  // False: it is of another channel.
  bool hear(std::string_view channel, std::string_view payload);
  // The connection was lost and is whole again.
  void noteGap();

 private:
  enum class Verdict : std::uint8_t { kUnproven, kProven, kDeaf };
  enum class Step : std::uint8_t { kSend, kWait, kForget, kLeave };
  struct Plan {
    Step step = Step::kWait;
    absl::Duration next;  // until the next task
  };

  // The task of a turn, which does nothing once there is a later turn.
  void run(std::uint64_t turn);
  void schedule(absl::Duration delay, std::uint64_t turn);
  Plan plan();
  Plan planAfter(absl::Duration silence);
  bool isListening() const;
  // Makes the next message, which is from then on under way.
  EventOutbox::Item nextMessage() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool awaitProof(Deadline deadline) const;
  absl::Status deafness() const;
  void leave();

  const Options options_;
  const std::shared_ptr<const std::string> channel_;
  const std::string advice_;
  EventTransport& transport_;
  EventOutbox& outbox_;
  EventSender& sender_;
  const Clock& clock_;
  // Anything, since the last look.
  std::atomic<bool> heard_ = false;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Verdict verdict_ ABSL_GUARDED_BY(mutex_) = Verdict::kUnproven;
  bool has_begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::uint64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  // Payloads that are to arrive, the first sent first: at most two.
  std::deque<std::string> under_way_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;

  Background background_;  // ends first: its tasks use all of the above
};

}  // namespace strata::internal
