// The world that processes of a simulation share: a cache server and a database, reached by
// messages that a network delays, loses, repeats and reorders.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/cache/cache.h"
#include "tests/simulation/scheduler.h"

namespace strata::simulation {

// How the network treats messages to one server.
struct Network {
  absl::Duration longest_delay = absl::Milliseconds(5);
  double lost_requests = 0;
  double lost_replies = 0;
  double repeated = 0;
  // A message that arrives long after its sender gave up.
  double very_late = 0;
  // Nobody is there: connections are refused.
  bool refuses = false;
};

// What happened often enough to matter, added up over all runs.
struct Hazards {
  std::map<std::string, std::int64_t> counts;
  void note(const std::string& what, std::int64_t n = 1) { counts[what] += n; }
};

// A Redis, as far as the protocol goes. Commands are executed one at a time.
class CacheServer {
 public:
  explicit CacheServer(Scheduler& scheduler) : scheduler_(scheduler) {}

  LeaseReply getOrLease(const std::string& key, const std::string& cell, absl::Duration ttl);
  bool compareAndSet(const std::string& key, const std::string& expected_prefix,
                     const std::string& value, absl::Duration ttl, Incarnation incarnation);
  void remove(const std::string& key);
  std::optional<std::string> get(const std::string& key);
  void set(const std::string& key, const std::string& value, absl::Duration ttl);
  std::vector<std::string> keys(const std::string& prefix) const;
  Incarnation incarnation() const { return {life_}; }

  // ---- What befalls it ----

  void flush() { cells_.clear(); }
  void evictOne();
  void takeSnapshot() { snapshot_ = cells_; }
  // Restarts from the snapshot: deleted cells are back, old leases too, and it is in another life.
  void rollBack();
  void restartEmpty();

 private:
  struct Stored {
    std::string bytes;
    MonotonicTime expires;
  };
  Stored* find(const std::string& key);

  Scheduler& scheduler_;
  std::map<std::string, Stored> cells_;
  std::map<std::string, Stored> snapshot_;
  std::uint64_t life_ = 1;
};

// Rows and what they ever were. Every write gets the next version.
class Database {
 public:
  struct State {
    std::int64_t version = 0;
    std::optional<std::int64_t> number;  // what was written; none: removed
    MonotonicTime committed;
  };
  std::int64_t write(const std::string& key, std::optional<std::int64_t> number,
                     MonotonicTime now) {
    history_[key].push_back({++version_, number, now});
    return version_;
  }
  State present(const std::string& key) const {
    const auto found = history_.find(key);
    return found == history_.end() || found->second.empty() ? State{} : found->second.back();
  }
  // Oldest first.
  const std::vector<State>& history(const std::string& key) { return history_[key]; }

 private:
  std::int64_t version_ = 0;
  std::map<std::string, std::vector<State>> history_;
};

// One process's way to a server.
class Link {
 public:
  Link(Scheduler& scheduler, const Network& network, Hazards& hazards)
      : scheduler_(scheduler), network_(network), hazards_(hazards) {}

  enum class Outcome { kAnswered, kRefused, kNoAnswer };

  enum class Sent { kOnce, kPerhapsTwice };

  // Sends a command, which `execute` carries out when it arrives, if it does, and perhaps once
  // more, and waits for the reply to the first at most until `timeout` has passed. A link that is
  // cut by a crash sends nothing any more.
  Outcome call(std::function<void()> execute, absl::Duration timeout,
               Sent sent = Sent::kPerhapsTwice);
  void cut() { is_cut_ = true; }
  bool isCut() const { return is_cut_; }

 private:
  Scheduler& scheduler_;
  const Network& network_;
  Hazards& hazards_;
  bool is_cut_ = false;
};

}  // namespace strata::simulation
