// Side-by-side measurements: ours and a baseline in one process, in turns, so that whatever the
// machine does to one it does to the other. Only the ratio is a result.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace strata::bench {

struct Budget {
  enum class Kind { kNone, kAtMost, kAtLeast };
  Kind kind = Kind::kNone;  // shown for comparison only
  double ratio = 0;
};

// One row of the report.
struct Row {
  std::string name;
  // ours / baseline: of times (less is better), or of throughputs (more is better).
  double ratio = 0;
  Budget budget{};
  double ours = 0;
  double baseline = 0;
  std::string unit;  // of both: "us", "s", "calls/s" or "queries"

  bool met() const {
    if (budget.kind == Budget::Kind::kNone) return true;
    return budget.kind == Budget::Kind::kAtMost ? ratio <= budget.ratio : ratio >= budget.ratio;
  }
};

// Runs once and does one call; must not fail.
using Call = std::function<void()>;

struct LatencyOptions {
  int rounds = 30;
  int calls_per_round = 300;
};

// The median call of ours against the median call of the baseline: of each round the ratio of the
// medians, of the rounds the median. Every second round begins with the baseline.
Row compareLatency(std::string name, Budget budget, const Call& ours, const Call& baseline,
                   const LatencyOptions& options = {});

struct ThroughputOptions {
  int threads = 32;
  int rounds = 7;
  absl::Duration round = absl::Milliseconds(400);
};

// Makes a thread's own call: a connection of its own, say.
using MakeCall = std::function<Call(int thread)>;

// Calls a second by many threads, in rounds as above.
Row compareThroughput(std::string name, Budget budget, const MakeCall& ours,
                      const MakeCall& baseline, const ThroughputOptions& options = {});

// The same for anything else that is measured in one go: `measure` is told whether of ours.
Row compareRuns(std::string name, Budget budget, std::string unit, int rounds,
                const std::function<double(bool is_ours)>& measure);

// A benchmark is listed by its name and made only when it is asked for: it may start servers.
struct Benchmark {
  std::string name;
  std::function<Row()> run;
};
std::vector<Benchmark> layerBenchmarks();
std::vector<Benchmark> coalescingBenchmarks();
std::vector<Benchmark> contextBenchmarks();
std::vector<Benchmark> compileBenchmarks();
std::vector<Benchmark> conversationBenchmarks();
std::vector<Benchmark> eventHubBenchmarks();
std::vector<Benchmark> postgresBenchmarks();
std::vector<Benchmark> rateLimiterBenchmarks();
std::vector<Benchmark> redisBenchmarks();

// Ends the program with `what`: a benchmark whose calls fail measures nothing.
[[noreturn]] void fail(const std::string& what);

}  // namespace strata::bench
