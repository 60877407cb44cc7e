// Control: what the parent tells its client processes and they tell it, in memory that all share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "strata/store/options.h"
#include "tests/chaos/hazards.h"

namespace strata::chaos {

inline constexpr std::size_t kMaxProcesses = 16;
// Hot ones are always being written by somebody; warm ones stay cached for a while; most cold ones
// are not cached.
inline constexpr std::uint32_t kHotKeys = 100;
inline constexpr std::uint32_t kWarmKeys = 500;
inline constexpr std::uint32_t kColdKeys = 5'000;
inline constexpr std::uint32_t kKeys = kHotKeys + kWarmKeys + kColdKeys;

enum class Phase : std::uint8_t { kPaused, kRunning, kEnding };

// What belongs to one client process; its successors after a kill inherit it.
struct Slot {
  // How often a process was started here: 1 is the first.
  std::atomic<std::uint16_t> life;
  // The life whose stack stands.
  std::atomic<std::uint16_t> ready;
  // Threads of the present life that are in no call, because it is not the time for one.
  std::atomic<std::uint32_t> parked;
  // All lives together.
  SharedHazardCounts hazards;
  std::array<char, 128> redis_url;
  std::array<char, 256> database_url;
};

struct Control {
  std::atomic<Phase> phase;
  std::atomic<std::uint64_t> round;
  std::uint64_t seed;
  std::uint32_t processes;
  std::uint32_t threads;
  Consistency level;
  std::array<Slot, kMaxProcesses> slots;
  // The newest version of each key that a write was answered with: a token that every process may
  // use, as if it had been told.
  std::array<std::atomic<std::int64_t>, kKeys> acknowledged;
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

}  // namespace strata::chaos
