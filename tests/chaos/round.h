// A round of a run: warm up, measure, break, mend, settle, measure again, stop, check. A long run
// is many of them, so that its history never outgrows the memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/chaos/cache_audit.h"
#include "tests/chaos/checker.h"
#include "tests/chaos/faults.h"
#include "tests/chaos/history.h"
#include "tests/chaos/rig.h"

namespace strata::chaos {

inline constexpr absl::Duration kShortestRound = absl::Seconds(12);

// What rounds add up to.
struct RunResult {
  Verdict verdict;
  std::map<std::string, std::size_t> faults;  // by name
  absl::Duration fault_time;
  HazardCounts hazards{};
  // What is wrong beside the history; each a line.
  std::vector<std::string> complaints;
  double hit_ratio_before = 0;  // of the last round
  double hit_ratio_after = 0;
  std::size_t cells_compared = 0;
};

class Runner {
 public:
  Runner(Rig& rig, History& history, FaultInjector& injector)
      : rig_(rig), history_(history), injector_(injector) {}

  // Of about this length; false where something was wrong with it.
  bool runRound(absl::Duration length);
  const RunResult& result() const { return result_; }

 private:
  void play(absl::Duration length);
  void awaitRecovery();
  void measureAfter(absl::Duration window);
  bool park();
  void check();
  void checkRows(const Evidence& evidence, const std::vector<Commit>& rows);
  void complain(std::string line);

  Rig& rig_;
  History& history_;
  FaultInjector& injector_;
  RunResult result_;
  std::int64_t started_ = 0;
  // The rows at the start of the round.
  std::vector<Commit> initial_;
};

}  // namespace strata::chaos
