// Watchdog: ends calls of libpq at their time limit, for libpq itself waits for ever.
//
// A connection is watched while a statement runs on it. At the limit its statement is cancelled on
// the server, which answers within milliseconds, and the connection stays usable. A server that
// does not even answer that (frozen, cut off) is given kCancelGrace; then the socket is shut down
// and libpq returns to its caller. Before either, the watchdog looks at the socket: an answer that
// has arrived, and that its caller had no processor to take yet, gets kAnswerGrace to be taken.
//
// Watching costs two uncontended locks per statement. The thread is started by the first watch and
// wakes only when a limit may have passed, not at every call: it sleeps past limits that were taken
// back long ago and sees then what the next one is.
//
// A child of fork() has a copy of each connection, and what libpq says on one reaches the server:
// also the goodbye when it is closed. So the child's copy of the socket is replaced by one that
// leads nowhere.
#pragma once

#include <libpq-fe.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "adapters/postgres/client/background.h"
#include "src/base/fork.h"
#include "strata/base/clock.h"

namespace strata::postgres {

inline constexpr absl::Duration kCancelGrace = absl::Milliseconds(100);
// A few turns of a busy scheduler: as little beyond a caller's deadline as it takes to look.
inline constexpr absl::Duration kAnswerGrace = absl::Milliseconds(10);

// Thread-safe. Must outlive its watches.
class Watchdog {
 public:
  explicit Watchdog(const Clock& clock) : clock_(clock) {}
  ~Watchdog();

  // Whether a statement is cancelled at its limit, or only cut off a little later: a pooler would
  // cancel whatever runs in the session by then.
  enum class Cancelling : bool { kNever, kAtLimit };

  // One connection, from when it is made until it is closed.
  class Watch {
   public:
    Watch(Watchdog& watchdog, PGconn* connection, Cancelling cancelling = Cancelling::kAtLimit);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    friend class Watchdog;
    class Cancel;
    enum class Stage : std::uint8_t { kIdle, kArmed, kCancelled, kCut };

    Watchdog& watchdog_;
    const int socket_;
    const std::shared_ptr<Cancel> cancel_;  // null: never
    // Guarded by the watchdog's mutex.
    Stage stage_ = Stage::kIdle;
    MonotonicTime limit_ = MonotonicTime::max();
    // Whether this stage was prolonged.
    bool is_prolonged_ = false;
  };

  struct Outcome {
    // The limit passed while it was watched.
    bool expired = false;
    // No cancel request is under way that could hit the connection's next statement.
    bool reusable = true;
  };

  // Watches from `now` until `release`. A limit of MonotonicTime::max() is none.
  void watch(Watch& watch, MonotonicTime now, MonotonicTime limit);
  Outcome release(Watch& watch);

 private:
  using Cancels = std::vector<std::shared_ptr<Watch::Cancel>>;

  void add(Watch* watch);
  void remove(Watch* watch);
  void startThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void run();
  // Whether a stage whose limit has passed lasts longer, once.
  static bool prolong(Watch& watch, MonotonicTime now);
  // Acts on every watch whose limit has passed; returns the cancel requests to send.
  Cancels expire(MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  MonotonicTime nextLook(MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void send(Cancels cancels);
  // After a fork: ends the connections of the parent here, without a word to the server.
  void resetInChild();

  const Clock& clock_;
  BackgroundJobs jobs_{16};
  std::mutex mutex_;
  std::condition_variable sooner_;
  std::vector<Watch*> watches_ ABSL_GUARDED_BY(mutex_);
  // When the thread looks next; only a limit before that has to wake it.
  MonotonicTime next_look_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::max();
  // The shortest time that any call was given since the last look. Calls of that kind are likely to
  // come again, so the next look is that far ahead: an earlier one would find nothing, and without
  // one every such call would have to wake the thread.
  absl::Duration shortest_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);

  const internal::ForkHandler fork_handler_{{.lock = [this] { mutex_.lock(); },
                                             .resume_in_parent = [this] { mutex_.unlock(); },
                                             .reset_in_child = [this] { resetInChild(); }}};
};

}  // namespace strata::postgres
