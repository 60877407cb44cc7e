// The protocol keeps its promises in every order of events. Known-bad variants do not:
// model_known_bad_test.cpp.
//
// With STRATA_MODEL_LARGE set in the environment it is explored further: minutes, and gigabytes.
#include "tests/model/protocol.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "tests/model/telling.h"

namespace strata::model {
namespace {

struct Case {
  std::string name;
  Scope scope;
  // Fewer, and the model has lost some of its behaviour.
  std::size_t least_states;
  // Steps that must have been taken often: a check that meets no hazard proves nothing.
  std::vector<const char*> hazards;

  friend std::ostream& operator<<(std::ostream& out, const Case& self) { return out << self.name; }
};

std::vector<Case> ordinaryCases() {
  return {
      {"ThreeReaders",
       {.readers = {0, 0, 1}, .writers = {0}},
       2'000'000,
       {kFillStored, kFillAfterDelete, kFillOfOthersLease, kFillOfOtherLife, kPastPending,
        kPastBreaker, kForeignValue, kReplaced, kLateLookup, kWaits, kLooksAgain, kGivesUp, kJoins,
        kJoinRefused, kUnsentDelete, kDrains, kCloses}},
      {"WritersOfTwoProcesses",
       {.readers = {0, 0}, .writers = {0, 1}},
       1'500'000,
       {kPastPending, kPastBreaker, kUnsentDelete, kDrains, kForeignValue, kReplaced}},
      {"WritersOfOneProcess",
       {.readers = {0, 1}, .writers = {0, 0}},
       800'000,
       {kStaysPending, kPastPending, kPastBreaker, kUnsentDelete, kDrains, kForeignValue}},
      {"EverybodyWithoutRestarts",
       {.readers = {0, 0, 1}, .writers = {0, 1}, .restarts = 0, .openings = 0},
       2'000'000,
       {kFillStored, kFillAfterDelete, kFillOfOthersLease, kPastPending, kLateLookup, kJoins}},
      {"TwoRestarts",
       {.readers = {0, 1}, .writers = {0}, .restarts = 2},
       100'000,
       {kForeignValue, kReplaced, kFillOfOtherLife}},
      // A rolling deploy: B's binary knows a member more.
      {"AMemberMoreInB",
       {.readers = {0, 0, 1}, .writers = {0}, .openings = 0, .members = {1, 3}},
       300'000,
       {kLackingValue, kOtherBinarysValue, kReplaced, kForeignValue, kFillOfOthersLease}},
      {"AMemberMoreInBWhichWritesToo",
       {.readers = {0, 1}, .writers = {0, 1}, .restarts = 0, .members = {1, 3}},
       300'000,
       {kLackingValue, kOtherBinarysValue, kReplaced, kPastPending, kUnsentDelete}},
      // B's binary has another member in place of one of A's.
      {"AMemberOfEachThatTheOtherLacks",
       {.readers = {0, 1, 1}, .writers = {0}, .restarts = 0, .openings = 0, .members = {3, 5}},
       50'000,
       {kLackingValue, kLeavesValue, kReplaced}},
  };
}

// Everything at once would be some hundred million states.
std::vector<Case> cases() {
  std::vector<Case> cases = ordinaryCases();
  if (std::getenv("STRATA_MODEL_LARGE") == nullptr) return cases;
  const std::vector<int> readers{0, 0, 1};
  for (const int second : {0, 1}) {
    const std::vector<int> writers{0, second};
    const std::string who = second == 0 ? "WritersOfOneProcess" : "Everybody";
    cases.push_back({who + "WithARestart",
                     {.readers = readers, .writers = writers, .restarts = 1, .openings = 0},
                     9'000'000,
                     {kForeignValue, kFillOfOtherLife}});
    cases.push_back({who + "WithAnOpening",
                     {.readers = readers, .writers = writers, .restarts = 0, .openings = 1},
                     7'000'000,
                     {kPastBreaker, kDrains}});
  }
  return cases;
}

class ProtocolTest : public ::testing::TestWithParam<Case> {};

TEST_P(ProtocolTest, KeepsItsPromisesInEveryOrderOfEvents) {
  // B-49, B-50, B-51, B-52, B-61. Races 1, 2, 3, 4, 7, 8, 11, 18, 19, 20, 25, 26, 27, 28.
  const Exploration found = exploreAndTell(kOurs, GetParam().scope, Promise::kAll);
  EXPECT_TRUE(found.finished) << found.story();
  EXPECT_GE(found.states, GetParam().least_states);
  for (const char* hazard : GetParam().hazards) EXPECT_GE(found.timesTaken(hazard), 500) << hazard;
}

INSTANTIATE_TEST_SUITE_P(Scopes, ProtocolTest, ::testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.name; });

// Reads ask the pending set, and the breaker drains it before it closes: each is enough for these
// promises by itself, so a mutant without one of the two keeps them. The tests below say so.
const Scope kOneWriter{.readers = {0, 1}, .writers = {0}};

TEST(Protocol, HoldsWithThePendingSetAlone) {
  // Races 18, 20
  const Variant undrained{.drains_before_closing = false};
  const Exploration found = exploreAndTell(undrained, kOneWriter, Promise::kBoth);
  EXPECT_TRUE(found.finished) << found.story();
  EXPECT_GE(found.timesTaken(kPastPending), 500);
}

TEST(Protocol, HoldsWithABreakerThatEveryFailureOpensAndThatDrains) {
  // Races 18, 20
  const Variant breaker_only{.gate = Gate::kBreaker};
  const Exploration found = exploreAndTell(breaker_only, kOneWriter, Promise::kBoth);
  EXPECT_TRUE(found.finished) << found.story();
  EXPECT_GE(found.timesTaken(kDrains), 500);
}

}  // namespace
}  // namespace strata::model
