#include "tests/chaos/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>

namespace strata::chaos {
namespace {

constexpr std::size_t kMostShown = 5;
constexpr std::size_t kMostLines = 60;
constexpr std::int64_t kContext = 500'000'000;  // nanoseconds on both sides

constexpr std::array<const char*, 4> kOpNames{"get", "getMany", "put", "remove"};
constexpr std::array<const char*, 4> kOutcomeNames{"pending", "ok", "refused", "unknown"};

std::string timeText(std::int64_t time, std::int64_t start) {
  if (time == 0) return "-";
  return fmt::format("{:.3f}", static_cast<double>(time - start) / 1e6);
}

std::string lineOf(const Operation& operation, std::int64_t start) {
  const Entry& entry = operation.entry;
  const auto name = [](const auto& names, auto value) {
    return names[static_cast<std::size_t>(value)];
  };
  return fmt::format(
      "{:>12} {:>12}  client {}.{} thread {}  {:<7} {:<7} version {} number {:x}{}{}, {} us in the "
      "cache, {} below",
      timeText(entry.invoked, start), timeText(entry.returned, start), operation.slot, entry.life,
      operation.thread, name(kOpNames, entry.op), name(kOutcomeNames, entry.outcome), entry.version,
      entry.number, entry.at_least > 0 ? fmt::format(" at least {}", entry.at_least) : "",
      entry.latest ? " latest" : "", entry.in_cache, entry.below);
}

void printOperations(const Violation& violation, const Evidence& evidence, std::int64_t from,
                     std::int64_t to) {
  std::vector<const Operation*> near;
  for (const Operation& operation : evidence.operations) {
    const Entry& entry = operation.entry;
    const bool concerns = entry.isWrite() || operation.process() == violation.operation.process();
    if (entry.key == violation.operation.entry.key && concerns && entry.invoked <= to &&
        std::max(entry.returned, entry.invoked) >= from) {
      near.push_back(&operation);
    }
  }
  std::sort(near.begin(), near.end(), [](const Operation* a, const Operation* b) {
    return a->entry.invoked < b->entry.invoked;
  });
  // The contradicted call is near the beginning, the one that shows it at the end.
  if (near.size() > kMostLines) {
    near.erase(near.begin() + kMostLines / 2, near.end() - kMostLines / 2);
  }
  for (const Operation* operation : near) {
    fmt::print(stderr, "    {}\n", lineOf(*operation, evidence.started));
  }
}

void print(const Violation& violation, const Evidence& evidence) {
  const Entry& entry = violation.operation.entry;
  fmt::print(stderr, "chaos: VIOLATION of {}, key {}: {}\n", violation.invariant, entry.key,
             violation.what);
  fmt::print(stderr, "    {}\n  its history (ms since the start: began, returned):\n",
             lineOf(violation.operation, evidence.started));
  const std::int64_t from = std::min(violation.since, entry.invoked) - kContext;
  const std::int64_t to = std::max(entry.returned, entry.invoked) + kContext / 10;
  printOperations(violation, evidence, from, to);
  fmt::print(stderr, "  broken meanwhile:\n");
  for (const FaultWindow& fault : evidence.faults) {
    if (fault.begin > to || fault.end < from) continue;
    fmt::print(stderr, "    {:>12} {:>12}  {} {}\n", timeText(fault.begin, evidence.started),
               timeText(fault.end, evidence.started), fault.name,
               fault.slot < 0 ? "" : fmt::format("of client {}", fault.slot));
  }
}

std::int64_t percentile(const std::vector<std::int64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

double milliseconds(std::int64_t nanos) { return static_cast<double>(nanos) / 1e6; }

boost::json::object stalenessOf(const RunResult& result) {
  std::vector<std::int64_t> sorted = result.verdict.staleness;
  std::sort(sorted.begin(), sorted.end());
  boost::json::object histogram;
  auto from = sorted.begin();
  for (const std::int64_t limit : {1, 3, 10, 30, 100, 300, 1'000, 3'000, 10'000}) {
    const auto to = std::upper_bound(from, sorted.end(), limit * 1'000'000);
    histogram[fmt::format("up_to_{}", limit)] = to - from;
    from = to;
  }
  return {{"p50", milliseconds(percentile(sorted, 0.5))},
          {"p99", milliseconds(percentile(sorted, 0.99))},
          {"max", milliseconds(percentile(sorted, 1))},
          {"reads", sorted.size()},
          {"histogram", std::move(histogram)}};
}

// Reads that were older than the level allows.
std::size_t staleReads(const Verdict& verdict) {
  return static_cast<std::size_t>(
      std::count_if(verdict.violations.begin(), verdict.violations.end(), [](const Violation& v) {
        return v.invariant == "I1" || v.invariant == "I6" || v.invariant == "T9";
      }));
}

std::size_t faultsOf(const RunResult& result) {
  std::size_t sum = 0;
  for (const auto& [name, count] : result.faults) sum += count;
  return sum;
}

boost::json::object toObject(const RunOptions& options, const RunResult& result) {
  const Verdict& verdict = result.verdict;
  boost::json::object hazards;
  for (std::size_t i = 0; i < kHazards; ++i) {
    hazards[nameOf(static_cast<Hazard>(i))] = result.hazards[i];
  }
  hazards["indeterminate_writes"] = verdict.indeterminate;
  boost::json::object kinds;
  for (const auto& [name, count] : result.faults) kinds[name] = count;
  return {{"seed", options.seed},
          {"seconds", options.seconds},
          {"level", options.level},
          {"ops", verdict.reads + verdict.writes},
          {"reads", verdict.reads},
          {"writes", verdict.writes},
          {"faults", faultsOf(result)},
          {"fault_kinds", std::move(kinds)},
          {"stale", staleReads(verdict)},
          {"errors", verdict.errors},
          {"errors_while_database_or_client_broken", verdict.excused_errors},
          {"violations", verdict.violations.size() + result.complaints.size()},
          {"staleness_ms", stalenessOf(result)},
          {"longest_call_ms", absl::ToDoubleMilliseconds(verdict.longest_call)},
          {"hit_ratio_before", result.hit_ratio_before},
          {"hit_ratio_after", result.hit_ratio_after},
          {"cells_compared", result.cells_compared},
          {"hazards", std::move(hazards)}};
}

}  // namespace

void printViolations(const Verdict& verdict, const Evidence& evidence) {
  for (std::size_t i = 0; i < std::min(kMostShown, verdict.violations.size()); ++i) {
    print(verdict.violations[i], evidence);
  }
}

std::vector<std::string> missingHazards(const RunOptions& options, const RunResult& result) {
  std::vector<std::string> lines;
  if (!options.faults.empty()) return lines;
  const double seconds = absl::ToDoubleSeconds(result.fault_time);
  for (std::size_t i = 0; i < kHazards; ++i) {
    const auto hazard = static_cast<Hazard>(i);
    const std::int64_t least = leastOf(hazard, seconds);
    if (result.hazards[i] >= least) continue;
    lines.push_back(fmt::format("nothing shown: only {} {}, at least {} are needed",
                                result.hazards[i], nameOf(hazard), least));
  }
  return lines;
}

void printSummary(const RunOptions& options, const RunResult& result) {
  const boost::json::object object = toObject(options, result);
  for (const auto& [name, value] : object) {
    fmt::print("{:<40}{}\n", std::string(name), boost::json::serialize(value));
  }
}

bool writeJson(const RunOptions& options, const RunResult& result) {
  if (options.json_file.empty()) return true;
  std::ofstream file(options.json_file);
  file << boost::json::serialize(toObject(options, result)) << "\n";
  return static_cast<bool>(file.flush());
}

}  // namespace strata::chaos
