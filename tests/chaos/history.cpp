#include "tests/chaos/history.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "strata/base/clock.h"

namespace strata::chaos {

std::int64_t nowNanos() { return Clock::system().now().nanos(); }

std::uint64_t numberFor(std::uint64_t round, std::size_t lane, std::uint64_t index) {
  return (round << 48) | (std::uint64_t{lane} << 36) | (index + 1);
}

void* sharedMemory(std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("chaos: no shared memory");
    std::exit(EXIT_FAILURE);
  }
  return memory;
}

struct History::Lane {
  std::atomic<std::uint64_t> count;
  std::atomic<bool> full;

  Entry* entries() { return reinterpret_cast<Entry*>(this + 1); }
};

History::History(std::size_t slots, std::size_t threads, std::size_t entries_per_thread)
    : slots_(slots),
      threads_(threads),
      capacity_(entries_per_thread),
      lane_bytes_(sizeof(Lane) + entries_per_thread * sizeof(Entry)),
      memory_(sharedMemory(slots * threads * lane_bytes_)) {}

History::~History() { munmap(memory_, slots_ * threads_ * lane_bytes_); }

History::Lane& History::lane(std::size_t index) const {
  return *reinterpret_cast<Lane*>(static_cast<char*>(memory_) + index * lane_bytes_);
}

std::uint64_t History::size(std::size_t index) const {
  return lane(index).count.load(std::memory_order_relaxed);
}

Entry* History::begin(std::size_t index, const Entry& entry) {
  Lane& at = lane(index);
  const std::uint64_t count = at.count.load(std::memory_order_relaxed);
  if (count == capacity_) {
    at.full.store(true);
    return nullptr;
  }
  Entry* const begun = at.entries() + count;
  *begun = entry;
  // An entry counts only once it is whole, so that a kill leaves no half of one.
  at.count.store(count + 1, std::memory_order_release);
  return begun;
}

void History::complete(Entry& entry, Outcome outcome) {
  entry.returned = nowNanos();
  // Last, so that a kill leaves no half of it.
  std::atomic_ref(entry.outcome).store(outcome, std::memory_order_release);
}

std::vector<Operation> History::operations() const {
  std::vector<Operation> all;
  for (std::size_t slot = 0; slot < slots_; ++slot) {
    for (std::size_t thread = 0; thread < threads_; ++thread) {
      Lane& at = lane(laneOf(slot, thread));
      const std::uint64_t count = at.count.load(std::memory_order_acquire);
      for (std::uint64_t i = 0; i < count; ++i) {
        all.push_back({at.entries()[i], static_cast<std::uint16_t>(slot),
                       static_cast<std::uint16_t>(thread)});
      }
    }
  }
  return all;
}

bool History::anyFull() const {
  for (std::size_t i = 0; i < slots_ * threads_; ++i) {
    if (lane(i).full.load()) return true;
  }
  return false;
}

void History::clear() {
  for (std::size_t i = 0; i < slots_ * threads_; ++i) lane(i).count.store(0);
}

}  // namespace strata::chaos
