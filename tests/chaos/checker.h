// Checker: whether a history keeps what the level promises. The database's own audit says in which
// order the writes of a key took effect, so one sweep over each key's events in the order of time
// is enough, and nothing has to be searched.
//
//   I1  session: in one process no read that starts after a write returned is older than it
//   I3  no phantom: what was read had been committed, by a write that had begun
//   I4  a record is f(key, number)
//   I5  a write that starts after another returned is newer; every acknowledged write is committed
//   I6  no read is older than the version it asked for, nor a `kLatest` read than any write that
//       had returned
//   I8  no call fails, or takes longer than its budget, where only the cache was broken
//   T9  no read is older than the longest life of a cached copy
//
// Staleness across processes, which is no violation below T9, is reported as time: from the return
// of the first newer write to the start of the read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/chaos/history.h"

namespace strata::chaos {

// A row of the database's audit: what a write left under a key, in which version.
struct Commit {
  std::uint32_t key = 0;
  std::int64_t version = 0;
  std::uint64_t number = 0;
  bool removed = false;
};

// A time in which something was broken, nanoseconds.
struct FaultWindow {
  static constexpr int kEverybody = -1;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  std::string name;
  // The slot whose calls may fail or be late meanwhile.
  int slot = kEverybody;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  // More than the cache was broken: calls may fail and be late.
  bool excuses = false;
};

struct Evidence {
  std::vector<Operation> operations;
  // What each key held at the start, one for each key that was ever written; version 0: nothing.
  std::vector<Commit> initial;
  std::vector<Commit> commits;
  std::int64_t started = 0;
  std::vector<FaultWindow> faults;
};

struct CheckRules {
  bool session = true;
  absl::Duration worst_staleness;
  // The longest that a call may take where only the cache is broken.
  absl::Duration longest_call;
};

struct Violation {
  std::string invariant;
  std::string what;
  // The call that shows it, and the one it contradicts, where there is one.
  Operation operation;
  std::int64_t since = 0;
};

struct Verdict {
  std::vector<Violation> violations;
  std::size_t reads = 0;
  std::size_t writes = 0;
  // Failed where only the cache was broken, and in the database's faults.
  std::size_t errors = 0;
  std::size_t excused_errors = 0;
  // Writes that were never answered, or whose answer was that nobody knows.
  std::size_t indeterminate = 0;
  // How late each read was that was older than an acknowledged write of another process,
  // nanoseconds, in no order.
  std::vector<std::int64_t> staleness;
  absl::Duration longest_call;

  void add(Verdict other);
};

Verdict check(const Evidence& evidence, const CheckRules& rules);

}  // namespace strata::chaos
