// History: what every client thread asked and was answered, in memory that all processes of a run
// share, so that it survives the SIGKILL of whoever wrote it.
//
// Each thread has a lane of its own, which only it appends to: an entry is there, without an
// outcome, before its call begins, and is completed after. Times are CLOCK_BOOTTIME, which all
// processes of one host share. A full lane is said aloud and never wraps.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata::chaos {

enum class Op : std::uint8_t { kGet, kGetMany, kPut, kRemove };
enum class Outcome : std::uint8_t {
  kPending,  // not answered: in flight, or its process was killed
  kOk,
  kRefused,  // failed, and a write certainly did nothing
  kUnknown,  // failed, and a write may have happened
};
struct Entry {
  std::int64_t invoked = 0;   // nanoseconds
  std::int64_t returned = 0;  // 0 while pending
  // Of the row that was read, written or removed; 0 where a read found none.
  std::int64_t version = 0;
  // ReadOptions::min_version; 0 is none.
  std::int64_t at_least = 0;
  // What was written, or read; 0 is nothing.
  std::uint64_t number = 0;
  std::uint32_t key = 0;
  // Microseconds of its thread in the cache and in the store below.
  std::uint32_t in_cache = 0;
  std::uint32_t below = 0;
  // Which process of its slot: a respawned one is another.
  std::uint16_t life = 0;
  Op op = Op::kGet;
  Outcome outcome = Outcome::kPending;
  // Read straight from the database.
  bool latest = false;
  // Whether the record was f(key, number).
  bool intact = true;
  // absl::StatusCode
  std::uint8_t code = 0;

  bool isWrite() const { return op == Op::kPut || op == Op::kRemove; }
};

// One entry of a history and who made it.
struct Operation {
  Entry entry;
  std::uint16_t slot = 0;
  std::uint16_t thread = 0;

  // Names one process of the run.
  std::uint32_t process() const { return (std::uint32_t{slot} << 16) | entry.life; }
  bool isDone() const { return entry.outcome == Outcome::kOk; }
};

std::int64_t nowNanos();

// Names the entry of a put: unique in a run.
std::uint64_t numberFor(std::uint64_t round, std::size_t lane, std::uint64_t index);

// The memory of one run. Make it before the fork.
class History {
 public:
  History(std::size_t slots, std::size_t threads, std::size_t entries_per_thread);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  std::size_t laneOf(std::size_t slot, std::size_t thread) const {
    return slot * threads_ + thread;
  }
  std::size_t threads() const { return threads_; }

  // For the thread that a lane belongs to. Where the lane is full, null.
  Entry* begin(std::size_t lane, const Entry& entry);
  std::uint64_t size(std::size_t lane) const;
  static void complete(Entry& entry, Outcome outcome);

  // For the parent, while no thread is in a call.
  std::vector<Operation> operations() const;
  bool anyFull() const;
  void clear();

 private:
  struct Lane;
  Lane& lane(std::size_t index) const;

  std::size_t slots_;
  std::size_t threads_;
  std::size_t capacity_;
  std::size_t lane_bytes_;
  void* memory_;
};

// Zeroed memory that forks share.
void* sharedMemory(std::size_t bytes);

}  // namespace strata::chaos
