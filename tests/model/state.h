// What the model of the protocol knows at one moment: nothing but bytes, and zero wherever a field
// means nothing, so that states that differ in nothing that matters are one state.
#pragma once

#include <array>
#include <cstdint>

namespace strata::model {

inline constexpr int kReaders = 3;
inline constexpr int kWriters = 2;
inline constexpr int kProcesses = 2;

// A version, a nonce, a life of the cache, an index, a count or a truth.
using Small = std::uint8_t;

// ---- The cache ----

enum class Tag : Small { kNothing, kLease, kValue };

struct Cell {
  Tag tag{};
  Small nonce{};
  Small life{};     // kValue: the life of the cache that its lease was taken in
  Small version{};  // kValue
  Small members{};  // kValue: the members that it has, a bit for each
};

// ---- A reader: one read ----

enum class ReaderAt : Small {
  kIdle,
  kAsking,
  kWaiting,  // for the fill of another's lease
  kReplacing,
  kLoading,
  kJoined,
  kLoaded,
  kDone
};
enum class Command : Small { kNone, kLookup, kReplace, kFill };

struct Reader {
  ReaderAt at{};
  Command sent{};         // to the cache, not executed yet; outlives the reader's patience
  Small owes_fill{};      // whether it holds the lease, as far as it knows
  Small version{};        // what it has loaded
  Small life{};           // of the cache that answered it
  Small replaces{};       // kReplace: the nonce of the cell that was found
  Small leader{};         // kJoined: whose load it waits for
  Small session_floor{};  // the least that it may return, by Promise::kSession …
  Small fence_floor{};    // … and by Promise::kFence
};

// ---- A writer: one write ----

enum class WriterAt : Small { kIdle, kCommitted, kDeleting, kNotDeleted, kDone };

struct Writer {
  WriterAt at{};
  Small version{};      // what it has written
  Small has_deleted{};  // once, where a variant deletes twice
};

// ---- A process ----

enum class Breaker : Small { kClosed, kOpen, kHalfOpen };

struct Process {
  Breaker breaker{};
  Small failures{};  // deletes that failed so far
  Small pending{};   // the number of the failure that the key is pending for; 0: it is not pending
  Small retrying{};  // the failure that a delete under way is for; 0: none is
  Small deleted{};   // the row's version when that delete was executed; 0: not yet
  Small acked{};     // the newest version that a write here was acknowledged for
};

struct State {
  Small row{};      // the version that the database holds
  Small deleted{};  // the row's version at the last delete that the cache acknowledged
  Cell cell;
  Cell snapshot;  // what the cache may come back with: from its disk, or from a replica
  Small life{};   // of the cache
  Small restarts_left{};
  Small openings_left{};
  Small broken{};  // the promises that the last read broke
  std::array<Reader, kReaders> readers;
  std::array<Writer, kWriters> writers;
  std::array<Process, kProcesses> processes;
};

}  // namespace strata::model
