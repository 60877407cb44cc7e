#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "adapters/redis/client/connection.h"
#include "adapters/redis/client/link.h"
#include "src/base/fork.h"
#include "strata/base/circuit_breaker.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// Where a master may be: addresses to be tried in order. Asked before every connection, for the
// answer may change (sentinels).
using RedisFinder = std::function<absl::StatusOr<std::vector<RedisAddress>>(IoTime until)>;

// What the circuit breaker of a node is made with. Its name gets that of the node appended.
struct RedisNodeGuard {
  CircuitBreakerOptions breaker;
  std::shared_ptr<Metrics> metrics;
  const Clock* clock = nullptr;
  std::shared_ptr<Executor> executor;
};

struct RedisNodeOptions {
  RedisLogin login;
  std::shared_ptr<const TlsContext> tls;         // null: none
  std::shared_ptr<Resolver> resolver = nullptr;  // null: the system's
  std::size_t connections = 4;
  std::chrono::nanoseconds connect_timeout{};
  std::chrono::nanoseconds command_timeout{};
  std::chrono::nanoseconds idle_timeout{};
  // They are nodes of a cluster.
  bool of_cluster = false;
  // Of several nodes that share the keys: each has such a breaker. None: whatever is around the
  // client has one for all.
  std::optional<RedisNodeGuard> guard = std::nullopt;
  // Whether it was told that INFO is refused: once, whichever of the client's nodes does.
  std::shared_ptr<std::atomic<bool>> told_of_silence = std::make_shared<std::atomic<bool>>(false);
};

// A master and the links to it, all to the same life of it. Thread-safe.
//
// The newest connection decides which life that is: when it meets another one than those before it,
// they are closed, under whoever uses them. So after a restart or a failover nothing of this
// process goes on talking to the past. Newest means begun last; one that was begun before and got
// through later does not count, and is closed itself.
//
// A server that cannot be connected to, or that breaks one connection after the other before it has
// answered anything, is left alone for a while, which doubles from 20 ms to 2 s with every failure,
// less up to a half by chance; calls fail at once meanwhile.
//
// One of several that share the keys has a circuit breaker too: after a number of calls that failed
// in a row no caller asks it, and so none waits for it, until a probe in the background has found
// that it serves.
class RedisNode {
 public:
  // `name` is for messages.
  RedisNode(std::string name, RedisFinder find, RedisNodeOptions options);

  // The link that has least to do.
  RedisLink& link();
  const std::string& name() const { return name_; }
  const RedisNodeOptions& options() const { return options_; }

  // Zero before the first connection, and where the server does not tell.
  Incarnation incarnation() const { return {life_now_.load(std::memory_order_relaxed)}; }
  // Whether a connection was opened, and was not told.
  bool isBlind() const { return is_blind_.load(std::memory_order_relaxed); }
  // Whether it was connected to, ever; and whether it is of a version that has SET with NX and GET.
  bool isKnown() const { return is_known_.load(std::memory_order_acquire); }
  bool hasSetNxGet() const { return has_set_nx_get_.load(std::memory_order_relaxed); }
  // Where it may be now.
  absl::StatusOr<std::vector<RedisAddress>> find(IoTime until) const { return find_(until); }
  // Where the newest connection leads; none before the first.
  std::optional<RedisAddress> address() const;
  // The server is not what it was when they were opened: closes all connections.
  void retireAll();
  // The server has answered as only a node of a cluster does, though none is meant: closes all
  // connections. Returns why no other is opened, unless INFO says that it is none.
  absl::Status noteIsOfCluster();

  // Whether its circuit breaker, if it has one, lets calls through; and why not.
  bool allows() const { return breaker_ == nullptr || breaker_->allows(); }
  absl::Status refusal() const { return breaker_->refusal(); }
  // What came of a call that it allowed, or that insisted: ok, or why it does not serve.
  void noteCall(const absl::Status& outcome);
  // Whether the last call or probe that told anything of it has failed.
  bool isFailing() const { return is_failing_.load(std::memory_order_relaxed); }

 private:
  friend class RedisLink;

  // For the leader of a link.
  absl::StatusOr<std::unique_ptr<RedisConnection>> connect(const RedisTimes& times);
  absl::StatusOr<std::unique_ptr<RedisConnection>> tryAddresses(IoTime until);
  absl::Status mayTry(const RedisTimes& times) const;
  // A connection broke that had answered nothing of what was sent on it; one has answered.
  void noteUseless(const absl::Status& why);
  void noteUseful();
  void noteFailure(const absl::Status& status);
  // Whether it may be used, if it refuses to tell what it is.
  absl::Status checkKind(const RedisServerInfo& server);
  // False: a connection begun later has met another incarnation than this one.
  bool adopt(const RedisServerInfo& server, std::uint64_t begun);
  // The server has told who it is, or not: another one than `before`.
  void tell(const RedisServerInfo& server, bool before) const;
  // The breaker's: whether it answers, is a master, and is not cut off from its cluster.
  absl::Status probe();
  void resetInChild();

  const std::string name_;
  const RedisFinder find_;
  const RedisNodeOptions options_;
  RedisRefusals refusals_;
  const RedisIntroduction introduction_;

  std::vector<std::unique_ptr<RedisLink>> links_;
  std::atomic<std::uint64_t> life_now_{0};
  std::atomic<bool> is_blind_{false};
  std::atomic<bool> has_set_nx_get_{false};
  std::atomic<bool> is_known_{false};

  mutable std::mutex mutex_;
  std::uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  // The life that counts, and the connection that told of it.
  std::optional<Incarnation> life_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t told_by_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<RedisAddress> address_ ABSL_GUARDED_BY(mutex_);
  bool is_of_cluster_ ABSL_GUARDED_BY(mutex_) = false;
  // Useless connections in a row.
  int useless_ ABSL_GUARDED_BY(mutex_) = 0;
  // Failures in a row; not before when to try again, and why.
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  IoTime try_again_ ABSL_GUARDED_BY(mutex_){};
  absl::Status last_failure_ ABSL_GUARDED_BY(mutex_);
  std::minstd_rand random_ ABSL_GUARDED_BY(mutex_);

  const ForkHandler fork_handler_{{.reset_in_child = [this] { resetInChild(); }}};

  std::atomic<bool> is_failing_{false};
  std::unique_ptr<CircuitBreaker> breaker_;  // last: its probe uses all of the above
};

}  // namespace strata::internal
