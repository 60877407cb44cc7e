// One run: processes, their callers, faults, and the rules that every answer is held against.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace strata::simulation {

struct Outcome {
  // What was broken, in words with the step it was noticed at; empty: nothing.
  std::vector<std::string> violations;
  std::int64_t reads = 0;
  std::int64_t writes = 0;
  std::uint64_t steps = 0;
  // Of everything that was answered, in order: two runs of a seed have the same.
  std::uint64_t digest = 0;
  absl::Duration stalest;
  absl::Duration longest_read;
};

// Deterministic: the same seed gives the same outcome. Adds to `hazards` what befell it. With
// `trace` it prints what happens.
Outcome simulate(std::uint64_t seed, Hazards& hazards, bool trace = false);

}  // namespace strata::simulation
