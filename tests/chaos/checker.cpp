#include "tests/chaos/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "tests/chaos/key_timeline.h"

namespace strata::chaos {
namespace {

// A write that had returned, and when.
struct Acknowledged {
  std::int64_t version = 0;
  std::int64_t returned = 0;
};

// Sweeps the events of one key.
class KeySweep {
 public:
  KeySweep(const CheckRules& rules, const KeyTimeline& timeline,
           absl::Span<const Operation* const> operations, std::int64_t started, Verdict& verdict)
      : rules_(rules), timeline_(timeline), operations_(operations), verdict_(verdict) {
    newer_.push_back({timeline.initialVersion(), started});
  }

  void run() {
    std::vector<Event> events;
    for (const Operation* operation : operations_) {
      events.push_back({operation->entry.invoked, true, operation});
      if (operation->isDone()) events.push_back({operation->entry.returned, false, operation});
    }
    // At the same moment a call begins before another is said to have returned: "after" is strict.
    std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
      return std::tie(a.time, b.begins) < std::tie(b.time, a.begins);
    });
    for (const Event& event : events) {
      const bool is_write = event.operation->entry.isWrite();
      if (!event.begins) {
        if (is_write) returned(*event.operation);
      } else if (is_write) {
        writeBegins(*event.operation);
      } else if (event.operation->isDone()) {
        readBegins(*event.operation);
      }
    }
  }

 private:
  struct Event {
    std::int64_t time;
    bool begins;
    const Operation* operation;
  };

  void returned(const Operation& write) {
    const std::int64_t version = write.entry.version;
    // Ascending in both, so that the first newer than anything is found by bisection.
    if (version > newer_.back().version) newer_.push_back({version, write.entry.returned});
    Acknowledged& own = own_[write.process()];
    if (version > own.version) own = {version, write.entry.returned};
  }

  void writeBegins(const Operation& write) {
    const Entry& entry = write.entry;
    const std::size_t commits = entry.op == Op::kPut ? timeline_.commitsOf(entry.number) : 0;
    if (entry.outcome == Outcome::kRefused && commits > 0) {
      report("I3", "a write was committed that had been refused", write, entry.invoked);
    }
    if (commits > 1) report("I5", "one write was committed twice", write, entry.invoked);
    const std::optional<std::int64_t> version = timeline_.versionOf(write);
    if (entry.op == Op::kPut && write.isDone()) {
      const Commit* const commit = timeline_.commitOf(entry.version);
      if (commit == nullptr || commit->removed || commit->number != entry.number) {
        report("I5", "an acknowledged write is not in the database's audit", write, entry.invoked);
      }
    }
    if (version && *version <= newer_.back().version) {
      report("I5",
             fmt::format("a write has version {}, and version {} had returned before it began",
                         *version, newer_.back().version),
             write, newer_.back().returned);
    }
  }

  void readBegins(const Operation& read) {
    const std::optional<std::int64_t> version = versionSeen(read);
    if (!version) return;
    const Entry& entry = read.entry;
    if (*version < entry.at_least) {
      report("I6", fmt::format("older than version {}, which was asked for", entry.at_least), read,
             entry.invoked);
    }
    if (entry.latest && *version < newer_.back().version) {
      report("I6", fmt::format("a kLatest read, older than {}", newer_.back().version), read,
             newer_.back().returned);
    }
    const Acknowledged own = own_[read.process()];
    if (rules_.session && *version < own.version) {
      report("I1", fmt::format("older than version {} of the same process", own.version), read,
             own.returned);
    }
    noteStaleness(read, *version);
  }

  // How new the answer can be at most; none where it cannot be at all.
  std::optional<std::int64_t> versionSeen(const Operation& read) {
    const Entry& entry = read.entry;
    if (entry.number == 0) {
      const auto absence = timeline_.newestAbsence(entry.returned);
      if (!absence) report("I3", "absent, and nobody had removed it", read, entry.invoked);
      return absence;
    }
    if (!entry.intact) report("I4", "not what its writer wrote", read, entry.invoked);
    // From before this history; how late that is, is told below.
    if (entry.version < timeline_.initialVersion()) return entry.version;
    const Commit* const commit = timeline_.commitOf(entry.version);
    if (commit == nullptr || commit->removed || commit->number != entry.number) {
      report("I3", "no such version was committed", read, entry.invoked);
      return std::nullopt;
    }
    const Operation* const writer = timeline_.writerOf(entry.number);
    if (writer != nullptr && writer->entry.invoked > entry.returned) {
      report("I3", "read before it was written", read, entry.invoked);
    }
    return entry.version;
  }

  void noteStaleness(const Operation& read, std::int64_t version) {
    const auto newer =
        std::upper_bound(newer_.begin(), newer_.end(), version,
                         [](std::int64_t v, const Acknowledged& ack) { return v < ack.version; });
    if (newer == newer_.end()) return;
    const std::int64_t late = read.entry.invoked - newer->returned;
    verdict_.staleness.push_back(late);
    if (absl::Nanoseconds(late) > rules_.worst_staleness) {
      report("T9", fmt::format("{} ms older than a write", late / 1'000'000), read,
             newer->returned);
    }
  }

  void report(const char* invariant, std::string what, const Operation& operation,
              std::int64_t since) {
    verdict_.violations.push_back({invariant, std::move(what), operation, since});
  }

  const CheckRules& rules_;
  const KeyTimeline& timeline_;
  absl::Span<const Operation* const> operations_;
  Verdict& verdict_;
  // Of all processes: those that were newer than all before.
  std::vector<Acknowledged> newer_;
  std::unordered_map<std::uint32_t, Acknowledged> own_;
};

struct OfKey {
  Commit initial{.removed = true};
  std::vector<Commit> commits;
  std::vector<const Operation*> operations;
};

std::map<std::uint32_t, OfKey> byKey(const Evidence& evidence) {
  std::map<std::uint32_t, OfKey> keys;
  for (const Operation& operation : evidence.operations) {
    keys[operation.entry.key].operations.push_back(&operation);
  }
  for (const Commit& commit : evidence.initial) keys[commit.key].initial = commit;
  for (const Commit& commit : evidence.commits) keys[commit.key].commits.push_back(commit);
  return keys;
}

// Whether something other than the cache was broken for this call.
bool isExcused(const Operation& operation, const std::vector<FaultWindow>& faults) {
  return std::any_of(faults.begin(), faults.end(), [&](const FaultWindow& fault) {
    const bool concerns = fault.slot == FaultWindow::kEverybody || fault.slot == operation.slot;
    return fault.excuses && concerns && operation.entry.invoked <= fault.end &&
           operation.entry.returned >= fault.begin;
  });
}

// I8, and the counts.
void checkCalls(const Evidence& evidence, const CheckRules& rules, Verdict& verdict) {
  for (const Operation& operation : evidence.operations) {
    const Entry& entry = operation.entry;
    ++(entry.isWrite() ? verdict.writes : verdict.reads);
    const bool answered = entry.outcome != Outcome::kPending;
    const bool known = operation.isDone() || entry.outcome == Outcome::kRefused;
    if (entry.isWrite() && !known) ++verdict.indeterminate;
    if (!answered) continue;
    const absl::Duration took = absl::Nanoseconds(entry.returned - entry.invoked);
    const bool late = took > rules.longest_call;
    if (operation.isDone() && !late) {
      verdict.longest_call = std::max(verdict.longest_call, took);
      continue;
    }
    const bool excused = isExcused(operation, evidence.faults);
    if (!operation.isDone()) ++(excused ? verdict.excused_errors : verdict.errors);
    if (excused) continue;
    if (late) verdict.longest_call = std::max(verdict.longest_call, took);
    const std::string what = late ? fmt::format("took {} ms", absl::ToInt64Milliseconds(took))
                                  : fmt::format("failed with code {}", entry.code);
    verdict.violations.push_back(
        {"I8", what + " while only the cache was broken", operation, entry.invoked});
  }
}

}  // namespace

void Verdict::add(Verdict other) {
  std::move(other.violations.begin(), other.violations.end(), std::back_inserter(violations));
  staleness.insert(staleness.end(), other.staleness.begin(), other.staleness.end());
  reads += other.reads;
  writes += other.writes;
  errors += other.errors;
  excused_errors += other.excused_errors;
  indeterminate += other.indeterminate;
  longest_call = std::max(longest_call, other.longest_call);
}

Verdict check(const Evidence& evidence, const CheckRules& rules) {
  Verdict verdict;
  for (auto& [key, of_key] : byKey(evidence)) {
    const KeyTimeline timeline(of_key.initial, std::move(of_key.commits), of_key.operations);
    KeySweep(rules, timeline, of_key.operations, evidence.started, verdict).run();
  }
  checkCalls(evidence, rules, verdict);
  return verdict;
}

}  // namespace strata::chaos
