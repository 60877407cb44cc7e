// Faults: everything that is broken in a run, singly and in pairs, in an order and for times that
// follow from the seed.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/chaos/checker.h"
#include "tests/chaos/rig.h"

namespace strata::chaos {

struct Fault {
  std::string name;
  // What it breaks: two faults of a pair break different things.
  std::string resource;
  // Whose calls it may make fail or late, if `excuses`.
  int slot = FaultWindow::kEverybody;
  bool excuses = false;
  std::function<void()> begin;
  std::function<void()> end;
};

// One of each kind, on a slot and with amounts of `random`'s choice, in its order.
std::vector<Fault> shuffledFaults(Rig& rig, std::mt19937_64& random);

// For one thread.
class FaultInjector {
 public:
  // Only those whose name holds `filter`.
  FaultInjector(Rig& rig, std::uint64_t seed, std::string filter)
      : rig_(rig), filter_(std::move(filter)), random_(seed) {}

  // Breaks and mends until `end`, nanoseconds; on return everything is whole.
  void run(std::int64_t end);
  // The faults since the last `clear`.
  const std::vector<FaultWindow>& log() const { return log_; }
  void clear() { log_.clear(); }

 private:
  Fault next();
  absl::Duration anyDuration();
  void breakOne(const Fault& fault, absl::Duration lasts);
  void breakTwo(const Fault& first, const Fault& second, absl::Duration lasts);
  void sleepUntil(std::int64_t time) const;
  std::size_t begin(const Fault& fault);
  void end(const Fault& fault, std::size_t index);

  Rig& rig_;
  const std::string filter_;
  std::mt19937_64 random_;
  std::vector<Fault> deck_;
  std::vector<FaultWindow> log_;
};

}  // namespace strata::chaos
