#pragma once

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/events/event_transport.h"

namespace strata::internal {

// What a transport's connection brings, as its receiver is told: after the connection was lost a
// gap, when it is whole again and before anything that came over it.
class EventStream {
 public:
  // Both must outlive it.
  EventStream(EventReceiver& receiver, const Clock& clock) : receiver_(receiver), clock_(clock) {}

  // ---- By anybody ----
  // Waits until it is whole for the first time, or why that failed at first. Then a gap is told
  // when it is, for there may be subscribers who miss something already.
  absl::Status awaitStart(Deadline deadline);
  // Ok while it is whole; or why it is not.
  absl::Status state() const;

  // ---- By the thread that listens ----
  void onWhole();
  // The connection was lost, or could not be made.
  void onEnd(const absl::Status& why);
  void onMessage(std::string_view channel, std::string_view payload);
  void onLost(std::string_view channel, const absl::Status& why) { receiver_.onLost(channel, why); }

 private:
  EventReceiver& receiver_;
  const Clock& clock_;
  // What came before the connection was whole. The thread's own.
  std::vector<EventMessage> early_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_whole_ ABSL_GUARDED_BY(mutex_) = false;
  bool was_whole_ ABSL_GUARDED_BY(mutex_) = false;
  bool owes_gap_ ABSL_GUARDED_BY(mutex_) = false;
  // Ok before the first end.
  absl::Status ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::internal
