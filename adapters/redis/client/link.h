// RedisLink: one connection to a server that any number of callers share.
//
// Callers combine their work instead of handing it to a thread. The first to arrive leads: it sends
// what has gathered, receives replies and hands them out. When it has its own, it sends what has
// gathered meanwhile and offers the lead to those who wait. So a lone caller pays no
// hop to another thread, and of a crowd all that arrive during one round trip share the next: one
// send, one receive. Nobody leads for others any longer than until its own replies have come.
//
// Replies belong to requests by their order alone. A request whose caller has given up keeps its
// place, and its replies are dropped as they come. One that is not answered by the time it expires
// costs the connection: all that was sent on it is told that its outcome is unknown, and it is
// never used again. What was not sent yet goes out on the next connection.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "adapters/redis/client/connection.h"
#include "adapters/redis/client/event_count.h"
#include "src/base/starved_wait.h"

namespace strata::internal {

class RedisNode;

// When a call began, when its caller must have an answer whatever happens, and when a server that
// has not answered is taken for dead.
struct RedisTimes {
  IoTime started;
  IoTime deadline;
  IoTime expires;
  // Whether to connect even while the server is left alone for having failed.
  bool insists = false;
  // Whether to ask even a node of a cluster whose circuit breaker is open.
  bool probes = false;
};

class RedisLink {
 public:
  // One caller's commands and, after `await`, what became of them. Stays where it is from `submit`
  // until `await` has returned.
  struct Request {
    // What is asked. `commands` may be empty: then it is done as soon as there is a connection.
    RedisCommands commands;
    RedisTimes times;
    // Not to be sent to a server with another incarnation than this one.
    std::optional<Incarnation> only_in = std::nullopt;

    // A reply for each command, or why there is none: Unavailable, DeadlineExceeded; Aborted: the
    // server has another incarnation, and nothing was sent.
    RedisReplies replies = {};
    // Of the connection it was sent on.
    RedisServerInfo server = {};
    // Why not every command has a reply; ok when each has.
    absl::Status refused = {};
    // Whether the server may have seen it.
    bool was_sent = false;

   private:
    friend class RedisLink;
    // Nobody but its caller knows of it any more.
    std::atomic<bool> done_{false};
    // When its caller stops waiting for those who lead.
    IoTime until_;
    // Requests that were gathered together are likely to be answered together.
    std::uint32_t group_ = 0;
    bool leads_ = false;
    // Whether it was given a little more time, and whether all of it once more.
    bool lingers_ = false;
    bool repeated_ = false;
    // Whether nothing else was under way when it was sent: its reply is the next thing to arrive.
    bool is_alone_ = false;
  };

  // `node` makes the connections; it owns the link.
  explicit RedisLink(RedisNode& node) : node_(node) {}
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  // How many requests it has, about.
  std::size_t load() const { return load_.load(std::memory_order_relaxed); }
  // Whether it is connected, about.
  bool isOpen() const { return is_open_.load(std::memory_order_relaxed); }

  // Puts a request among those to be sent. Whoever finds nobody leading sends it at once, and may
  // submit to other links before it waits for the first.
  void submit(Request& request);
  // Returns when every command has its reply or none to expect, at the latest when its time is out.
  void await(Request& request);

  // The connection leads to a life of the server that is over: it is closed, also under a leader.
  void retire();
  // After a fork: forgets the requests of threads that exist in the parent alone.
  void resetInChild();

 private:
  // A request that was sent, and how many replies it still gets. Null: nobody waits for them.
  struct Sent {
    Request* request;
    std::size_t remaining;
    IoTime expires;
  };
  // ---- By the leader ----
  void lead(Request& request);
  void connectFor(Request& request);
  // One wait for bytes, and what follows from them.
  void receiveFor(Request& request);
  // Makes replies of what has arrived, gives them to whom they belong, and gathers.
  absl::Status handOut();
  void sendGathered(const Request& request);
  // After a wait without bytes: whether it is repeated, because it says nothing about the server.
  // What was sent has the whole timeout once more then.
  bool repeatsWait(IoTime until, IoTime now);
  // Closes the connection. What was sent on it gets `status`; what has expired, DeadlineExceeded.
  void breakOff(const absl::Status& status, IoTime now);
  // To one of those who wait, if any do; and wakes those who are done.
  void passTheLead();
  void wakeDone();
  // How long after its time the leader goes on taking what has arrived.
  std::chrono::nanoseconds mayLookOn(const Request& request, IoTime until) const;

  // Ok, or why the connection must not be used again.
  absl::Status fitness(IoTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Moves what waits to be sent into outgoing_. `now` matters only where something waits.
  void gather(IoTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status giveReplies() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // ---- By anybody ----
  // Until it is done, or leads, or its time is out.
  void waitInLine(Request& request);
  // Its time is out: true unless it is to wait on.
  bool endsWait(Request& request);
  // Its time is out. Whether it has a little more, once: for the leader to tell whether the server
  // answers, and for one that was itself held up before it asked.
  bool lingers(Request& request, IoTime now) const;
  // Whether it has all of it once more, for the leader is starved.
  bool repeats(Request& request, IoTime now) const;
  // When it must be answered at the latest.
  IoTime limitOf(const Request& request) const;
  // Whether the leader has not acted for long on what has come, or on what has not.
  bool leaderIsStarved(IoTime now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool takeTheLead(Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Somebody that could lead.
  const Request* firstInLine() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void finish(Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // From here on its caller has `status`, and this thread must not.
  void fail(Request& request, absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Its caller has run out of time.
  void giveUp(Request& request, const absl::Status& late) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  RedisNode& node_;
  std::atomic<std::size_t> load_{0};
  std::atomic<bool> is_open_{false};

  std::mutex mutex_;
  std::deque<Request*> waiting_ ABSL_GUARDED_BY(mutex_);
  std::deque<Sent> sent_ ABSL_GUARDED_BY(mutex_);
  std::uint32_t group_ ABSL_GUARDED_BY(mutex_) = 0;
  // Changed under the lock.
  std::atomic<bool> is_led_{false};
  EventCount events_;
  bool is_retired_ ABSL_GUARDED_BY(mutex_) = false;

  // The leader's alone. The pointer is changed under the lock, for retire() to see.
  std::unique_ptr<RedisConnection> connection_;
  bool has_answered_ = false;
  std::string outgoing_;
  std::vector<RedisReply> received_;
  // Whom to wake once the lock is released.
  EventCount::Groups done_groups_ = 0;
  IoTime used_at_{};
  // When the server's time for all that was sent began anew: it was connected to, or the leader was
  // starved. Changed under the lock.
  IoTime renewed_at_{};
  StarvedWait wait_{"redis_command"};
  // When the first of what was sent expires.
  IoTime next_expiry_ = IoTime::max();
};

}  // namespace strata::internal
