// chaos: client processes read and write through the whole stack while everything below it is
// broken in every way, and a checker says whether what they saw keeps the promise of their level.
//
//   chaos --seconds 60 --seed 7 --level session --json chaos.json
//
// Exit code 0: no violation, and the dangerous moments did occur. The same seed breaks the same
// things in the same order; what the threads make of it is their own.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "strata/testing/eventually.h"
#include "tests/chaos/client.h"
#include "tests/chaos/report.h"
#include "tests/chaos/zygote.h"

namespace strata::chaos {
namespace {

namespace po = boost::program_options;

// Of a round; a longer run is several.
constexpr std::int64_t kLongestRound = 60;
// More than a thread can do in a second.
constexpr std::size_t kEntriesPerSecond = 4'000;

[[noreturn]] void fail(const std::string& message) {
  fmt::print(stderr, "chaos: {}\n", message);
  std::exit(2);
}

RunOptions parse(int argc, char** argv) {
  RunOptions options;
  po::options_description description("Checks coherence on real servers under faults");
  auto add = description.add_options();
  add("help", "print this");
  add("seconds", po::value(&options.seconds), "how long, at least 12 (60)");
  add("seed", po::value(&options.seed), "of the faults and the calls (1)");
  add("level", po::value(&options.level), "session or eventual (session)");
  add("json", po::value(&options.json_file), "write the figures to this file");
  add("faults", po::value(&options.faults), "only those whose name holds this");
  add("processes", po::value(&options.processes), "clients, 1 to 16 (4)");
  add("threads", po::value(&options.threads), "of each client, 1 to 64 (8)");
  po::variables_map values;
  try {
    po::store(po::parse_command_line(argc, argv, description), values);
    po::notify(values);
  } catch (const po::error& error) {
    fail(error.what());
  }
  if (values.contains("help")) {
    std::cout << description;
    std::exit(0);
  }
  if (options.seconds < absl::ToInt64Seconds(kShortestRound)) fail("give it 12 seconds or more");
  if (options.processes < 1 || options.processes > kMaxProcesses) fail("1 to 16 processes");
  if (options.threads < 1 || options.threads > 64) fail("1 to 64 threads");
  if (options.level != "session" && options.level != "eventual") {
    fail("the level is session or eventual");
  }
  return options;
}

Control& makeControl(const RunOptions& options) {
  auto& control = *static_cast<Control*>(sharedMemory(sizeof(Control)));
  control.seed = options.seed;
  control.processes = options.processes;
  control.threads = options.threads;
  control.level = options.level == "session" ? Consistency::kSession : Consistency::kEventual;
  return control;
}

// True where nothing was wrong.
bool runRounds(Rig& rig, Runner& runner, const RunOptions& options) {
  for (std::size_t slot = 0; slot < options.processes; ++slot) rig.startClient(slot);
  if (!testing::eventually([&] { return rig.clientsAreReady(); }, absl::Seconds(60))) {
    fail("the clients do not start");
  }
  const std::int64_t rounds = (options.seconds + kLongestRound - 1) / kLongestRound;
  bool clean = true;
  for (std::int64_t i = 0; i < rounds && clean; ++i) {
    clean = runner.runRound(absl::Seconds(options.seconds) / rounds);
  }
  rig.endClients();
  return clean && !rig.clientFailed();
}

int run(const RunOptions& options) {
  fmt::print("chaos: seed {}, {} s, level {}\n", options.seed, options.seconds, options.level);
  std::fflush(stdout);
  // In this order: whatever is to be shared, then the fork, and only then threads.
  Control& control = makeControl(options);
  const auto round = static_cast<std::size_t>(std::min(options.seconds, kLongestRound));
  History history(options.processes, options.threads, round * kEntriesPerSecond);
  Zygote zygote([&](std::size_t slot) { return runClient(control, history, slot); });
  Rig rig(control, zygote);
  FaultInjector injector(rig, options.seed, options.faults);
  Runner runner(rig, history, injector);
  const bool clean = runRounds(rig, runner, options);
  printSummary(options, runner.result());
  if (!writeJson(options, runner.result())) fail("cannot write " + options.json_file);
  const std::vector<std::string> missing = missingHazards(options, runner.result());
  for (const std::string& line : missing) fmt::print(stderr, "chaos: {}\n", line);
  const bool passed = clean && missing.empty();
  fmt::print("chaos: {} (seed {})\n", passed ? "passed" : "FAILED", options.seed);
  return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace strata::chaos

int main(int argc, char** argv) { return strata::chaos::run(strata::chaos::parse(argc, argv)); }
