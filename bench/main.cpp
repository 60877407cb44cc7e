// ./dev bench [--json FILE] [--filter NAME]: the rows of the budget table, each beside its
// baseline.
//
// A benchmark is no test: a budget that is missed is printed, and the exit code stays 0.
#include <fmt/format.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>
#include <memory>

#include "bench/comparison.h"

namespace strata::bench {
namespace {

namespace po = boost::program_options;

std::vector<Benchmark> allBenchmarks() {
  std::vector<Benchmark> all;
  for (const auto& some : {layerBenchmarks(), postgresBenchmarks(), conversationBenchmarks(),
                           contextBenchmarks(), coalescingBenchmarks(), redisBenchmarks(),
                           rateLimiterBenchmarks(), eventHubBenchmarks(), compileBenchmarks()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

bool hasBudget(const Row& row) { return row.budget.kind != Budget::Kind::kNone; }

std::string budgetText(const Budget& budget) {
  if (budget.kind == Budget::Kind::kNone) return "none";
  return fmt::format("{} {:.3f}", budget.kind == Budget::Kind::kAtMost ? "<=" : ">=", budget.ratio);
}

void print(const Row& row) {
  fmt::print("{:<26}{:>12.2f}{:>14.2f}  {:<9}{:>8.3f}  {:<9} {}\n", row.name, row.ours,
             row.baseline, row.unit, row.ratio, budgetText(row.budget),
             hasBudget(row) ? (row.met() ? "met" : "MISSED") : "");
  std::fflush(stdout);
}

// Log lines come after the table instead of between its rows: the last of them, warnings and errors.
class LogAfterTable {
 public:
  LogAfterTable() {
    auto logger = std::make_shared<spdlog::logger>("strata", lines_);
    logger->set_level(spdlog::level::warn);
    spdlog::register_logger(std::move(logger));
  }
  ~LogAfterTable() {
    spdlog::drop("strata");
    for (const std::string& line : lines_->last_formatted()) fmt::print(stderr, "{}", line);
  }
  LogAfterTable(const LogAfterTable&) = delete;
  LogAfterTable& operator=(const LogAfterTable&) = delete;

 private:
  static constexpr std::size_t kMostLines = 200;
  const std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines_ =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(kMostLines);
};

constexpr const char* kKinds[] = {"none", "at_most", "at_least"};

boost::json::object toObject(const Row& row) {
  return {{"name", row.name},
          {"ratio", row.ratio},
          {"budget", hasBudget(row) ? boost::json::value(row.budget.ratio) : nullptr},
          {"met", row.met()},
          {"ours", row.ours},
          {"baseline", row.baseline},
          {"unit", row.unit},
          {"budget_kind", kKinds[static_cast<std::size_t>(row.budget.kind)]}};
}

int run(const std::string& filter, const std::string& json_file) {
  const LogAfterTable log_after_table;
  fmt::print("{:<26}{:>12}{:>14}  {:<9}{:>8}  {:<9}\n", "", "ours", "baseline", "", "ratio",
             "budget");
  boost::json::array rows;
  for (const Benchmark& benchmark : allBenchmarks()) {
    if (benchmark.name.find(filter) == std::string::npos) continue;
    const Row row = benchmark.run();
    print(row);
    rows.push_back(toObject(row));
  }
  if (rows.empty()) fail("no benchmark is called like that");
  if (json_file.empty()) return 0;
  std::ofstream file(json_file);
  file << boost::json::serialize(boost::json::object{{"rows", std::move(rows)}}) << "\n";
  if (!file.flush()) fail("cannot write " + json_file);
  return 0;
}

int main(int argc, char** argv) {
  std::string filter;
  std::string json_file;
  po::options_description description("Ours beside the same by hand, in one run");
  description.add_options()("help", "print this");
  description.add_options()("filter", po::value(&filter), "only those whose name holds this");
  description.add_options()("json", po::value(&json_file), "write the rows to this file");
  po::variables_map values;
  try {
    po::store(po::parse_command_line(argc, argv, description), values);
    po::notify(values);
  } catch (const po::error& error) {
    fail(error.what());
  }
  if (values.contains("help")) {
    std::cout << description;
    return 0;
  }
  return run(filter, json_file);
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) { return strata::bench::main(argc, argv); }
