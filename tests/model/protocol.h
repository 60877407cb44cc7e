// Protocol: the coherence protocol of a CachingStore as a model for explore(). One row and its
// cache key; two processes with readers and writers; and everything that a network, a cache and a
// breaker may do at any moment. protocol.cpp is the specification: one function per step.
//
//   const Protocol ours(kOurs, Scope{}, Promise::kBoth);
//   EXPECT_TRUE(explore(ours).finished);
//
// docs/model.md says what is left out and why.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/model/exploration.h"
#include "tests/model/state.h"

namespace strata::model {

enum class FillRule : Small {
  kByLease,           // where the filler's own lease still is
  kAlways,            // a plain SET
  kWhereNothingNewer  // a compare-and-set of versions; there is nothing newer in an empty cell
};

enum class Gate : Small {
  kPendingSet,  // a read goes past the cache while its key is pending
  kBreaker      // only while the breaker is not closed; every failed delete opens it
};

// The protocol is a set of rules. Each known-bad variant is ours with one of them replaced.
struct Variant {
  // When a fill is stored.
  FillRule fill = FillRule::kByLease;
  // Whether all attempts of a process share one nonce.
  bool nonce_per_process = false;
  // Whether a write deletes twice, the second time later, before it is acknowledged.
  bool deletes_twice = false;
  // Whether a key whose delete failed becomes pending.
  bool remembers_failed_deletes = true;
  // Whether a key whose delete the breaker held back becomes pending.
  bool remembers_unsent_deletes = true;
  // Whether a key stays pending when a retry succeeds that began before its last failure.
  bool retry_minds_later_failures = true;
  // Whether values and fills of another life of the cache are refused.
  bool checks_life = true;
  // Whether a value that lacks a member that its reader knows is refused.
  bool checks_members = true;
  // Whether a reader may join a load whose query may have run.
  bool joins_any_load = false;
  // What keeps reads from the cache while deletes are outstanding.
  Gate gate = Gate::kPendingSet;
  // Whether a breaker closes only when nothing is pending.
  bool drains_before_closing = true;
};

inline constexpr Variant kOurs{};

// What is checked whenever a read returns. The first two speak of reads that start *later*.
enum class Promise : Small {
  // T3, the level kSession: once a write is acknowledged in a process, no read in that process
  // returns an older version, whatever the cache does.
  kSession = 1,
  // T1 and T2: once the cache has acknowledged a delete, no read in any process returns a version
  // older than the row had when the delete was executed.
  kFence = 2,
  kBoth = 3,
  // Rolling deploys: a read returns a value that has every member that its binary knows.
  kMembers = 4,
  kAll = 7
};

// How much is explored; more costs time.
struct Scope {
  std::vector<int> readers{0, 0, 1};  // the process (0 is A, 1 is B) of each, at most kReaders
  std::vector<int> writers{0};        // the same, at most kWriters
  int restarts = 1;                   // of the cache, from a snapshot; a failover is one too
  int openings = 1;                   // of breakers
  // The members that the binary of each process knows, a bit for each.
  std::array<Small, kProcesses> members{1, 1};
};

// Steps that tests look for, to know that the hazards were reached.
inline constexpr char kFillStored[] = "its fill is stored";
inline constexpr char kFillAfterDelete[] = "its fill is refused: its lease is gone";
inline constexpr char kFillOfOthersLease[] = "its fill is refused: the lease is another's";
inline constexpr char kFillOfOtherLife[] = "its fill is refused: the cache is in another life";
inline constexpr char kPastPending[] = "starts, past the cache: the key is pending";
inline constexpr char kPastBreaker[] = "starts, past the cache: the breaker is not closed";
inline constexpr char kForeignValue[] = "finds a value of another life, and asks to replace it";
inline constexpr char kLackingValue[] = "finds a value that lacks a member, and asks to replace it";
inline constexpr char kLeavesValue[] = "finds a value that lacks a member, and leaves it to others";
inline constexpr char kOtherBinarysValue[] = "returns what another binary has filled";
inline constexpr char kReplaced[] = "has put its lease in place of that value";
inline constexpr char kLateLookup[] = "its lookup, given up before, leaves a lease to nobody";
inline constexpr char kWaits[] = "finds another's lease, and waits for the fill";
inline constexpr char kLooksAgain[] = "looks again";
inline constexpr char kGivesUp[] = "stops waiting for the fill: it will not fill";
inline constexpr char kJoins[] = "joins a load that has not begun";
inline constexpr char kJoinRefused[] = "reads the row by itself, joining no load that has begun";
inline constexpr char kUnsentDelete[] = "sends no delete: the breaker is not closed";
inline constexpr char kDrains[] = "sends the pending delete, half open";
inline constexpr char kStaysPending[] =
    "learns that it is deleted; it failed again, so stays pending";
inline constexpr char kCloses[] = "closes its breaker";

class Protocol {
 public:
  using State = model::State;

  Protocol(const Variant& variant, Scope scope, Promise promise);

  State initial() const;
  void addSteps(const State& now, Steps<State>& steps) const;
  std::string violation(const State& state) const;
  std::string describe(const State& state) const;

 private:
  const Variant variant_;
  const Scope scope_;
  const Promise promise_;
};

}  // namespace strata::model
