// What a run says of itself: the history around a violation, the figures, the JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/chaos/checker.h"
#include "tests/chaos/round.h"

namespace strata::chaos {

// The first few, each with what happened to its key and what was broken meanwhile. On stderr.
void printViolations(const Verdict& verdict, const Evidence& evidence);

struct RunOptions {
  std::int64_t seconds = 60;
  std::uint64_t seed = 1;
  std::string level = "session";
  std::uint32_t processes = 4;
  std::uint32_t threads = 8;
  std::string json_file;
  // Only those whose name holds this.
  std::string faults;
};

// A line for each hazard that was too rare for the run to have shown anything. None where only some
// faults were asked for: such a run looks for something else.
std::vector<std::string> missingHazards(const RunOptions& options, const RunResult& result);

void printSummary(const RunOptions& options, const RunResult& result);
// False where it cannot be written.
bool writeJson(const RunOptions& options, const RunResult& result);

}  // namespace strata::chaos
