// The steps of the protocol. Each function is one step that somebody may take: it returns at once
// where the step is not possible, and otherwise adds the state after it. What these conditions do
// not order happens in every order.
//
// Delay, loss and reordering need no steps of their own: a command is executed at any time after it
// was sent, or never, and its sender may stop waiting at any time. Nor does a crash: it is a
// process that takes no more steps, and nobody has to take one.
#include "tests/model/protocol.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/model/moment.h"

namespace strata::model {
namespace {

class Next : private Moment {
 public:
  Next(const Variant& variant, const Scope& scope, Promise promise, const State& now,
       Steps<State>& steps)
      : Moment(variant, scope, promise, now, steps) {}

  void addAll() {
    if (!isAnyReadInDanger()) return;
    for (int r = 0; r < readers(); ++r) addStepsOfReader(r);
    for (int w = 0; w < writers(); ++w) addStepsOfWriter(w);
    for (int p = 0; p < kProcesses; ++p) addStepsOfProcess(p);
    addStepsOfCache();
  }

 private:
  void addStepsOfReader(int r) {
    startsReading(r);
    lookupIsExecuted(r);
    replaceIsExecuted(r);
    stopsWaitingForCache(r);
    looksAgain(r);
    stopsWaitingForFill(r);
    for (int leader = 0; leader < readers(); ++leader) joinsLoad(r, leader);
    loads(r);
    returnsLoaded(r);
    fillIsExecuted(r);
  }
  void addStepsOfWriter(int w) {
    commits(w);
    sendsDelete(w);
    deleteIsExecuted(w);
    stopsWaitingForDelete(w);
    acknowledgesWithoutDelete(w);
  }
  void addStepsOfProcess(int p) {
    sendsPendingDelete(p);
    pendingDeleteIsExecuted(p);
    learnsOfPendingDelete(p);
    stopsWaitingForPendingDelete(p);
    breakerOpens(p);
    breakerHalfOpens(p);
    breakerCloses(p);
  }
  void addStepsOfCache() {
    losesCell();
    savesSnapshot();
    comesBackFromSnapshot();
  }

  // ---- A read asks the cache ----

  bool isPending(int r) const {
    return variant_.gate == Gate::kPendingSet && processOfReader(r).pending != 0;
  }
  bool isAdmitted(int r) const {
    return !isPending(r) && processOfReader(r).breaker == Breaker::kClosed;
  }

  // Admission, and the lookup: SET key L‹nonce› NX GET.
  void startsReading(int r) {
    if (!isReadersTurn(r)) return;
    const Process& here = processOfReader(r);
    const bool asks = isAdmitted(r);
    State& next = readerStep(r, asks           ? "starts, and asks the cache"
                                : isPending(r) ? kPastPending
                                               : kPastBreaker);
    Reader& reader = next.readers[r];
    reader.at = asks ? ReaderAt::kAsking : ReaderAt::kLoading;
    reader.sent = asks ? Command::kLookup : Command::kNone;
    if (checks(Promise::kSession)) reader.session_floor = here.acked;
    if (checks(Promise::kFence)) reader.fence_floor = now_.deleted;
  }

  // The answer arrives in the same step: nothing that happens before it arrives can change what
  // the reader then does. An answer that is lost is a hit not used, or a lease not filled.
  void lookupIsExecuted(int r) {
    if (now_.readers[r].sent != Command::kLookup) return;
    if (now_.readers[r].at != ReaderAt::kAsking) return lateLookupIsExecuted(r);
    if (now_.cell.tag == Tag::kNothing) return misses(r);
    if (now_.cell.tag == Tag::kLease) return findsLease(r);
    if (variant_.checks_life && now_.cell.life != now_.life) return replaces(r, kForeignValue);
    if (lacksMember(now_.cell, r)) return findsLackingValue(r);
    const bool is_own = now_.cell.members == membersOf(r);
    State& next = readerStep(r, is_own ? "returns what the cache holds" : kOtherBinarysValue);
    returns(next, r, now_.cell.version, now_.cell.members);
  }

  void misses(int r) {
    const bool leases = variant_.fill == FillRule::kByLease;
    State& next = readerStep(r, leases ? "finds nothing, and holds the lease" : "finds nothing");
    if (leases) next.cell = leaseOf(r);
    next.readers[r].sent = Command::kNone;
    next.readers[r].at = ReaderAt::kLoading;
    next.readers[r].owes_fill = true;
    next.readers[r].life = now_.life;
  }

  // Whoever holds it may have died, or be slow: what ends the wait is the reader's own patience.
  void findsLease(int r) {
    State& next = readerStep(r, kWaits);
    next.readers[r].sent = Command::kNone;
    next.readers[r].at = ReaderAt::kWaiting;
  }

  // As often as it likes. It is admitted anew, but what it may return is what it might when it
  // started: nothing that happened since binds it.
  void looksAgain(int r) {
    if (now_.readers[r].at != ReaderAt::kWaiting) return;
    const bool asks = isAdmitted(r);
    State& next = readerStep(r, asks ? kLooksAgain : "looks no more: it is to go past the cache");
    next.readers[r].at = asks ? ReaderAt::kAsking : ReaderAt::kLoading;
    next.readers[r].sent = asks ? Command::kLookup : Command::kNone;
  }

  // Its load is one that others of its process may join, those that waited with it among them.
  void stopsWaitingForFill(int r) {
    if (now_.readers[r].at != ReaderAt::kWaiting) return;
    readerStep(r, kGivesUp).readers[r].at = ReaderAt::kLoading;
  }

  // What has a member that this reader does not know is of use to another binary. Most readers
  // leave it: two binaries that replaced each other's values would have no hit at all.
  void findsLackingValue(int r) {
    replaces(r, kLackingValue);
    if ((now_.cell.members & ~membersOf(r)) == 0) return;
    State& next = readerStep(r, kLeavesValue);
    next.readers[r].sent = Command::kNone;
    next.readers[r].at = ReaderAt::kLoading;
  }

  // Takes it over by a compare-and-set: a value with this nonce becomes a lease.
  void replaces(int r, const char* why) {
    State& next = readerStep(r, why);
    next.readers[r].at = ReaderAt::kReplacing;
    next.readers[r].sent = Command::kReplace;
    next.readers[r].replaces = now_.cell.nonce;
    next.readers[r].life = now_.life;
  }

  // Where something is stored it would do nothing.
  void lateLookupIsExecuted(int r) {
    if (now_.cell.tag != Tag::kNothing || variant_.fill != FillRule::kByLease) return;
    State& next = readerStep(r, kLateLookup);
    next.cell = leaseOf(r);
    next.readers[r].sent = Command::kNone;
  }

  void replaceIsExecuted(int r) {
    const Reader& asked = now_.readers[r];
    if (asked.sent != Command::kReplace) return;
    const bool waits = asked.at == ReaderAt::kReplacing;
    const bool matches = now_.cell.tag == Tag::kValue && now_.cell.nonce == asked.replaces &&
                         now_.life == asked.life;
    if (!matches && !waits) return;
    State& next = readerStep(r, matches ? kReplaced : "could not replace that value");
    if (matches) next.cell = leaseOf(r);
    Reader& reader = next.readers[r];
    reader.sent = Command::kNone;
    reader.replaces = 0;
    if (waits) {
      reader.at = ReaderAt::kLoading;
      reader.owes_fill = matches;
    }
    if (!reader.owes_fill) reader.life = 0;
  }

  // What it has sent may still be executed.
  void stopsWaitingForCache(int r) {
    const ReaderAt at = now_.readers[r].at;
    if (at != ReaderAt::kAsking && at != ReaderAt::kReplacing) return;
    readerStep(r, "stops waiting for the cache").readers[r].at = ReaderAt::kLoading;
  }

  // ---- A read loads from the database; readers of one process share loads ----

  void joinsLoad(int r, int leader) {
    if (r == leader || !areInOneProcess(r, leader)) return;
    if (now_.readers[r].at != ReaderAt::kLoading) return;
    if (now_.readers[leader].at == ReaderAt::kLoading) {
      State& next = readerStep(r, kJoins);
      next.readers[r].at = ReaderAt::kJoined;
      next.readers[r].leader = static_cast<Small>(leader);
    } else if (now_.readers[leader].at == ReaderAt::kLoaded && variant_.joins_any_load) {
      State& next = readerStep(r, "joins a load that has begun");
      next.readers[r].at = ReaderAt::kLoaded;
      next.readers[r].version = now_.readers[leader].version;
    }
  }

  // The query is sent, and runs. One step: the time in between only refuses joins.
  void loads(int r) {
    if (now_.readers[r].at != ReaderAt::kLoading) return;
    bool refused = false;
    for (int other = 0; other < readers(); ++other) {
      refused |= areInOneProcess(r, other) && now_.readers[other].at == ReaderAt::kLoaded;
    }
    State& next = readerStep(r, refused ? kJoinRefused : "reads the row");
    for (int other = 0; other < readers(); ++other) {
      Reader& reader = next.readers[other];
      const bool joined = reader.at == ReaderAt::kJoined && reader.leader == r;
      if (other != r && !joined) continue;
      reader.at = ReaderAt::kLoaded;
      reader.leader = 0;
      reader.version = now_.row;
    }
  }

  // The caller has its answer before the fill is sent, and the fill is waited for by nobody.
  void returnsLoaded(int r) {
    const Reader loaded = now_.readers[r];
    if (loaded.at != ReaderAt::kLoaded) return;
    State& next = readerStep(r, loaded.owes_fill ? "returns what it has read, and sends its fill"
                                                 : "returns what it has read");
    returns(next, r, loaded.version, membersOf(r));
    if (!loaded.owes_fill) return;
    next.readers[r].sent = Command::kFill;
    next.readers[r].version = loaded.version;
    next.readers[r].life = loaded.life;
  }

  void fillIsExecuted(int r) {
    const Reader& filler = now_.readers[r];
    if (filler.sent != Command::kFill) return;
    const char* const refusal = refusalOfFill(r);
    State& next = readerStep(r, refusal != nullptr ? refusal : kFillStored);
    if (refusal == nullptr) {
      next.cell = {Tag::kValue, nonceOf(r), filler.life, filler.version, membersOf(r)};
    }
    next.readers[r] = {.at = ReaderAt::kDone};
  }

  // Null where it is stored.
  const char* refusalOfFill(int r) const {
    const Reader& filler = now_.readers[r];
    const Cell& cell = now_.cell;
    if (variant_.fill == FillRule::kAlways) return nullptr;
    if (variant_.fill == FillRule::kWhereNothingNewer) {
      return cell.version < filler.version ? nullptr
                                           : "its fill is refused: what is there is as new";
    }
    if (variant_.checks_life && now_.life != filler.life) return kFillOfOtherLife;
    if (cell.tag != Tag::kLease) return kFillAfterDelete;
    return cell.nonce == nonceOf(r) ? nullptr : kFillOfOthersLease;
  }

  // ---- A write: commit, delete, acknowledge ----

  void commits(int w) {
    if (!isWritersTurn(w)) return;
    State& next = writerStep(w, "commits a new version");
    next.writers[w].at = WriterAt::kCommitted;
    next.writers[w].version = ++next.row;
  }

  void sendsDelete(int w) {
    if (now_.writers[w].at != WriterAt::kCommitted) return;
    if (processOfWriter(w).breaker == Breaker::kClosed) {
      writerStep(w, "sends the delete").writers[w].at = WriterAt::kDeleting;
    } else if (variant_.remembers_unsent_deletes) {
      writerStep(w, kUnsentDelete).writers[w].at = WriterAt::kNotDeleted;
    } else {
      acknowledges(writerStep(w, "skips the delete, and acknowledges"), w);
    }
  }

  // The answer arrives, and the write is acknowledged, in the same step: later would only let more
  // reads start before. A delete whose answer is lost, or that is executed when nobody waits any
  // more, does what losing the cell does, and that happens at any time anyway.
  void deleteIsExecuted(int w) {
    const Writer& asked = now_.writers[w];
    if (asked.at != WriterAt::kDeleting) return;
    const bool again = variant_.deletes_twice && !asked.has_deleted;
    State& next = writerStep(w, again ? "has deleted, and will do so once more, later"
                                      : "has deleted, and acknowledges");
    next.cell = {};
    next.deleted = now_.row;
    if (!again) return acknowledges(next, w);
    next.writers[w].at = WriterAt::kCommitted;
    next.writers[w].has_deleted = true;
  }

  // It cannot know whether it was executed.
  void stopsWaitingForDelete(int w) {
    if (now_.writers[w].at != WriterAt::kDeleting) return;
    writerStep(w, "stops waiting for its delete").writers[w].at = WriterAt::kNotDeleted;
  }

  void acknowledgesWithoutDelete(int w) {
    if (now_.writers[w].at != WriterAt::kNotDeleted) return;
    const bool remembers = variant_.remembers_failed_deletes;
    State& next = writerStep(
        w, remembers ? "makes the key pending, and acknowledges" : "acknowledges all the same");
    Process& here = next.processes[scope_.writers[w]];
    if (remembers) here.pending = ++here.failures;
    if (remembers && variant_.gate == Gate::kBreaker) here.breaker = Breaker::kOpen;
    acknowledges(next, w);
  }

  // ---- A process deletes what is pending: in the background, or to drain a half-open breaker ----

  void sendsPendingDelete(int p) {
    const Process& here = now_.processes[p];
    if (here.pending == 0 || here.retrying != 0 || here.breaker == Breaker::kOpen) return;
    const bool drains = here.breaker == Breaker::kHalfOpen;
    State& next = processStep(p, drains ? kDrains : "sends the pending delete");
    next.processes[p].retrying = here.pending;
  }

  void pendingDeleteIsExecuted(int p) {
    const Process& here = now_.processes[p];
    if (here.retrying == 0 || here.deleted != 0) return;
    State& next = processStep(p, "its pending delete is executed");
    next.cell = {};
    next.processes[p].deleted = now_.row;
  }

  // A later step than the execution: another delete of the key may fail in between.
  void learnsOfPendingDelete(int p) {
    const Process& here = now_.processes[p];
    if (here.deleted == 0) return;
    const bool clears = here.pending == here.retrying || !variant_.retry_minds_later_failures;
    State& next =
        processStep(p, clears ? "learns that it is deleted: pending no more" : kStaysPending);
    next.deleted = std::max(now_.deleted, here.deleted);
    if (clears) next.processes[p].pending = 0;
    next.processes[p].retrying = 0;
    next.processes[p].deleted = 0;
  }

  void stopsWaitingForPendingDelete(int p) {
    const Process& here = now_.processes[p];
    if (here.retrying == 0) return;
    State& next = processStep(p, "stops waiting for its pending delete");
    next.processes[p].retrying = 0;
    next.processes[p].deleted = 0;
    if (here.breaker == Breaker::kHalfOpen) next.processes[p].breaker = Breaker::kOpen;
  }

  // ---- The breaker of a process ----

  // At any time: whatever failures it takes to open it, that is one of these.
  void breakerOpens(int p) {
    if (now_.processes[p].breaker != Breaker::kClosed || now_.openings_left == 0) return;
    State& next = processStep(p, "opens its breaker");
    next.processes[p].breaker = Breaker::kOpen;
    --next.openings_left;
  }

  void breakerHalfOpens(int p) {
    if (now_.processes[p].breaker != Breaker::kOpen) return;
    processStep(p, "probes the cache: half open").processes[p].breaker = Breaker::kHalfOpen;
  }

  void breakerCloses(int p) {
    if (now_.processes[p].breaker != Breaker::kHalfOpen) return;
    if (now_.processes[p].pending != 0 && variant_.drains_before_closing) return;
    processStep(p, kCloses).processes[p].breaker = Breaker::kClosed;
  }

  // ---- The cache ----

  // Value or lease: evicted, flushed, expired.
  void losesCell() {
    if (now_.cell.tag == Tag::kNothing) return;
    cacheStep("loses the cell").cell = {};
  }

  // Or a replica catches up.
  void savesSnapshot() {
    if (now_.restarts_left == 0) return;
    cacheStep("saves a snapshot").snapshot = now_.cell;
  }

  // Or that replica takes over. Either way what a client learns first of a connection is the life.
  void comesBackFromSnapshot() {
    if (now_.restarts_left == 0) return;
    State& next = cacheStep("comes back from its snapshot, in a new life");
    next.cell = now_.snapshot;
    ++next.life;
    if (--next.restarts_left == 0) next.snapshot = {};
  }
};

}  // namespace

Protocol::Protocol(const Variant& variant, Scope scope, Promise promise)
    : variant_(variant), scope_(std::move(scope)), promise_(promise) {}

// The first version is everywhere. (An empty cache is one step away.)
State Protocol::initial() const {
  State state;
  state.row = 1;
  state.cell = {.tag = Tag::kValue, .version = 1, .members = scope_.members[0]};
  state.restarts_left = static_cast<Small>(scope_.restarts);
  state.openings_left = static_cast<Small>(scope_.openings);
  if (scope_.restarts > 0) state.snapshot = state.cell;
  return state;
}

void Protocol::addSteps(const State& now, Steps<State>& steps) const {
  Next(variant_, scope_, promise_, now, steps).addAll();
}

std::string Protocol::violation(const State& state) const {
  if (state.broken == 0) return {};
  if (state.broken == static_cast<Small>(Promise::kMembers)) {
    return "a read returned a value that lacks a member";
  }
  if (state.broken == static_cast<Small>(Promise::kFence)) {
    return "a read returned an older version than the row had at an acknowledged delete";
  }
  return "a read returned an older version than was acknowledged in its process";
}

std::string Protocol::describe(const State& state) const {
  const std::string row = "row v" + std::to_string(state.row) + ", cache ";
  if (state.cell.tag == Tag::kNothing) return row + "empty";
  if (state.cell.tag == Tag::kValue) return row + "v" + std::to_string(state.cell.version);
  return row + "lease " + std::to_string(state.cell.nonce);
}

}  // namespace strata::model
