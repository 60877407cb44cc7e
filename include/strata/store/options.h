// What a caller may say with a call. Every option has a default that suits most callers.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "strata/base/deadline.h"
#include "strata/store/version.h"

namespace strata {

class UnitOfWork;

// How new an answer must be, weakest first. A store is created with one of them; a call may ask
// for another. docs/caching.md says what each costs.
enum class Consistency : std::uint8_t {
  // As old as the cached copy's time to live.
  kEventual,
  // This process never sees anything older than what it wrote; another process that is given the
  // version of a write (`ReadOptions::min_version`) does not either.
  kSession,
  // Straight from the database, past every cache.
  kLatest,
};

// Whether a read of a unit of work locks what it reads.
enum class ReadLock : std::uint8_t {
  kNone,
  // Until the end of the unit no other call writes or locks the record, nor an absent one's id. The
  // call waits for a unit that holds it, as a write does. Readers without a lock do not wait.
  kForUpdate,
};

struct ReadOptions {
  // After it the call answers DeadlineExceeded.
  Deadline deadline;
  // None: what the store was created with.
  std::optional<Consistency> consistency;
  // The least version to accept, from `put` or `remove`, of this process or another.
  Version min_version;
  // Reads what this unit of work wrote, from the database. Null: what is committed.
  UnitOfWork* unit = nullptr;
  // Needs a unit. InvalidArgument from stores of other reads than those of a Store<T>.
  ReadLock lock = ReadLock::kNone;

  // Whether only the database may answer, to this caller alone.
  bool isOfUnit() const { return unit != nullptr || lock != ReadLock::kNone; }
};

// Ok, or InvalidArgument: a lock without a unit of work, whose end would release it.
absl::Status validate(const ReadOptions& options);

struct WriteOptions {
  // After it the call answers DeadlineExceeded; the write may have happened all the same.
  Deadline deadline;
  // The unit of work that the write is part of. Null: it stands by itself.
  UnitOfWork* unit = nullptr;
};

}  // namespace strata
