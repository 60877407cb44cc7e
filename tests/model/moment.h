// Moment: one state of the protocol, and the words that its steps are told in. The steps themselves
// are in protocol.cpp.
#pragma once

#include <algorithm>
#include <vector>

#include "tests/model/exploration.h"
#include "tests/model/protocol.h"
#include "tests/model/state.h"

namespace strata::model {

class Moment {
 protected:
  Moment(const Variant& variant, const Scope& scope, Promise promise, const State& now,
         Steps<State>& steps)
      : variant_(variant), scope_(scope), promise_(promise), now_(now), steps_(steps) {}

  // Adds a step; what it changes is up to the caller.
  State& readerStep(int r, const char* what) {
    return steps_.add({scope_.readers[r] == 0 ? "A's reader" : "B's reader", r + 1, what});
  }
  State& writerStep(int w, const char* what) {
    return steps_.add({scope_.writers[w] == 0 ? "A's writer" : "B's writer", w + 1, what});
  }
  State& processStep(int p, const char* what) {
    return steps_.add({p == 0 ? "process A" : "process B", 0, what});
  }
  State& cacheStep(const char* what) { return steps_.add({"cache", 0, what}); }

  int readers() const { return static_cast<int>(scope_.readers.size()); }
  int writers() const { return static_cast<int>(scope_.writers.size()); }
  const Process& processOfReader(int r) const { return now_.processes[scope_.readers[r]]; }
  const Process& processOfWriter(int w) const { return now_.processes[scope_.writers[w]]; }
  bool areInOneProcess(int r, int other) const {
    return scope_.readers[r] == scope_.readers[other];
  }

  // Those of one process are alike, so they begin in the order of their numbers: any other order
  // is this one under other names.
  bool isReadersTurn(int r) const { return isTurn(scope_.readers, now_.readers, r); }
  bool isWritersTurn(int w) const { return isTurn(scope_.writers, now_.writers, w); }

  Small nonceOf(int r) const {
    return static_cast<Small>(1 + (variant_.nonce_per_process ? scope_.readers[r] : r));
  }
  // Needs no life: whoever finds it goes to the database anyway.
  Cell leaseOf(int r) const { return {.tag = Tag::kLease, .nonce = nonceOf(r)}; }

  bool checks(Promise promise) const {
    return (static_cast<Small>(promise_) & static_cast<Small>(promise)) != 0;
  }

  // The members that the reader's binary knows.
  Small membersOf(int r) const { return scope_.members[scope_.readers[r]]; }
  bool lacksMember(const Cell& value, int r) const {
    return variant_.checks_members && (membersOf(r) & ~value.members) != 0;
  }

  // A read ends, and this is the one thing that is checked.
  void returns(State& next, int r, Small version, Small members) const {
    const Reader& reader = next.readers[r];
    const bool lacks = (membersOf(r) & ~members) != 0;
    if (checks(Promise::kMembers) && lacks) next.broken |= static_cast<Small>(Promise::kMembers);
    if (version < reader.session_floor) next.broken |= static_cast<Small>(Promise::kSession);
    if (version < reader.fence_floor) next.broken |= static_cast<Small>(Promise::kFence);
    next.readers[r] = {.at = ReaderAt::kDone};
  }
  void acknowledges(State& next, int w) const {
    Small& acked = next.processes[scope_.writers[w]].acked;
    acked = std::max(acked, next.writers[w].version);
    next.writers[w] = {.at = WriterAt::kDone};
  }

  // Once no reader can return an old version any more, nothing that happens matters. What the cache
  // or another's load holds may be too old; a row that is read after the read started never is.
  bool isAnyReadInDanger() const {
    for (int r = 0; r < readers(); ++r) {
      const ReaderAt at = now_.readers[r].at;
      if (at == ReaderAt::kIdle || at == ReaderAt::kAsking || at == ReaderAt::kWaiting) return true;
      if (variant_.joins_any_load && at != ReaderAt::kDone) return true;
    }
    return false;
  }

  const Variant& variant_;
  const Scope& scope_;
  const Promise promise_;
  const State& now_;
  Steps<State>& steps_;

 private:
  template <typename Actors>
  static bool isTurn(const std::vector<int>& processes, const Actors& actors, int number) {
    using At = decltype(actors[0].at);
    for (int i = 0; i < number; ++i) {
      if (processes[i] == processes[number] && actors[i].at == At::kIdle) return false;
    }
    return actors[number].at == At::kIdle;
  }
};

}  // namespace strata::model
