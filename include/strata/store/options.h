// What a caller may say with a call. Every option has a default that suits most callers.
#pragma once

#include <cstdint>
#include <optional>

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

struct ReadOptions {
  // After it the call answers DeadlineExceeded.
  Deadline deadline;
  // None: what the store was created with.
  std::optional<Consistency> consistency;
  // The least version to accept, from `put` or `remove`, of this process or another.
  Version min_version;
  // Reads what this unit of work wrote, from the database. Null: what is committed.
  UnitOfWork* unit = nullptr;
};

struct WriteOptions {
  // After it the call answers DeadlineExceeded; the write may have happened all the same.
  Deadline deadline;
  // The unit of work that the write is part of. Null: it stands by itself.
  UnitOfWork* unit = nullptr;
};

}  // namespace strata
