// The protocol under a scheduler that does its worst: seeds, and the worst that each can do.
//
//   STRATA_SEED=4711 STRATA_SEEDS=1 simulation_test     replays one; with STRATA_TRACE=1 it tells
//   all STRATA_SEEDS=1000000 simulation_test                runs a million, from STRATA_SEED on
#include "tests/simulation/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <iostream>
#include <string>

namespace strata::simulation {
namespace {

std::uint64_t numberIn(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

class SimulationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    spdlog::register_logger(std::make_shared<spdlog::logger>(
        "strata", std::make_shared<spdlog::sinks::null_sink_mt>()));
  }
  static void TearDownTestSuite() { spdlog::drop("strata"); }
};

// Races 1 to 3, 5 to 9, 11, 14, 17 to 22, 25 to 28, 31. B-29, B-30, B-31, B-49, B-50, B-51, B-52,
// B-54, B-61
TEST_F(SimulationTest, NoSeedMakesAnAnswerThatTheLevelForbids) {
  const std::uint64_t first = numberIn("STRATA_SEED", 1);
  const std::uint64_t count = numberIn("STRATA_SEEDS", 10'000);
  Hazards hazards;
  std::int64_t reads = 0;
  std::int64_t writes = 0;
  absl::Duration stalest;
  absl::Duration longest_read;
  std::uint64_t ran = 0;
  while (ran < count && !HasFailure()) {
    const std::uint64_t seed = first + ran++;
    const Outcome outcome = simulate(seed, hazards, std::getenv("STRATA_TRACE") != nullptr);
    reads += outcome.reads;
    writes += outcome.writes;
    stalest = std::max(stalest, outcome.stalest);
    longest_read = std::max(longest_read, outcome.longest_read);
    EXPECT_THAT(outcome.violations, ::testing::IsEmpty()) << "STRATA_SEED=" << seed;
  }
  std::cout << ran << " seeds from " << first << ": " << reads << " reads, " << writes
            << " writes, stalest across processes " << stalest << ", longest read " << longest_read
            << '\n';
  for (const auto& [what, times] : hazards.counts) {
    std::cout << "  " << what << ": " << times << '\n';
    // A hazard that was never met was not survived either.
    if (ran >= 10'000) {
      EXPECT_GE(times, 100) << what;
    }
  }
}

TEST_F(SimulationTest, ASeedIsTheSameRunEveryTime) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Hazards hazards;
    const Outcome once = simulate(seed, hazards);
    const Outcome again = simulate(seed, hazards);
    EXPECT_EQ(once.digest, again.digest) << seed;
    EXPECT_EQ(once.steps, again.steps) << seed;
  }
}

}  // namespace
}  // namespace strata::simulation
