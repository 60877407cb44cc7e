#include "tests/model/explorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace strata::model {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// The old puzzle: a jug of 3 litres, one of 5, and a tap. Measure `forbidden` litres.
struct Jugs {
  struct State {
    std::uint8_t small = 0;
    std::uint8_t large = 0;
  };
  static constexpr std::uint8_t kSmall = 3;
  static constexpr std::uint8_t kLarge = 5;

  int forbidden = 9;

  State initial() const { return {}; }

  void addSteps(const State& now, Steps<State>& steps) const {
    steps.add({"jug", 1, "is filled"}).small = kSmall;
    steps.add({"jug", 2, "is filled"}).large = kLarge;
    steps.add({"jug", 1, "is emptied"}).small = 0;
    steps.add({"jug", 2, "is emptied"}).large = 0;
    pour(now.small, kLarge - now.large, steps.add({"jug", 1, "is poured into the other"}), 1);
    pour(now.large, kSmall - now.small, steps.add({"jug", 2, "is poured into the other"}), -1);
  }

  std::string violation(const State& state) const {
    return state.large == forbidden ? "there it is" : "";
  }
  std::string describe(const State& state) const {
    return std::to_string(state.small) + " and " + std::to_string(state.large);
  }

 private:
  static void pour(int content, int room, State& next, int into_large) {
    const int poured = into_large * std::min(content, room);
    next.small = static_cast<std::uint8_t>(next.small - poured);
    next.large = static_cast<std::uint8_t>(next.large + poured);
  }
};

TEST(Explorer, SeesEveryStateThatCanBeReachedAndNoOther) {
  const Exploration found = explore(Jugs());
  EXPECT_TRUE(found.finished);
  EXPECT_EQ(found.states, 16) << "one of the jugs is always full or empty";
  EXPECT_EQ(found.steps, 16 * 6);
  EXPECT_EQ(found.depth, 7);
  EXPECT_THAT(found.violation, IsEmpty());
  EXPECT_THAT(found.trace, IsEmpty());
}

TEST(Explorer, FindsTheShortestWayToAViolation) {
  const Exploration found = explore(Jugs{.forbidden = 4});
  EXPECT_FALSE(found.finished);
  EXPECT_EQ(found.violation, "there it is");
  ASSERT_THAT(found.trace, SizeIs(6));
  EXPECT_THAT(found.trace[0], StartsWith("jug 2: is filled"));
  EXPECT_THAT(found.trace[1], StartsWith("jug 2: is poured into the other"));
  EXPECT_THAT(found.trace[5], HasSubstr("3 and 4"));
  EXPECT_THAT(found.story(), HasSubstr("1. jug 2: is filled"));
}

TEST(Explorer, TellsAViolationOfTheInitialState) {
  const Exploration found = explore(Jugs{.forbidden = 0});
  EXPECT_FALSE(found.finished);
  EXPECT_EQ(found.violation, "there it is");
  EXPECT_EQ(found.states, 1);
  EXPECT_THAT(found.trace, IsEmpty());
}

TEST(Explorer, DoesNotCallASearchFinishedThatReachedItsLimit) {
  const Exploration found = explore(Jugs(), 10);
  EXPECT_FALSE(found.finished);
  EXPECT_THAT(found.violation, IsEmpty());
  EXPECT_LT(found.states, 16);
}

TEST(Explorer, CountsTheStepsOfEachName) {
  const Exploration found = explore(Jugs());
  EXPECT_EQ(found.timesTaken("is filled"), 2 * 16);
  EXPECT_EQ(found.timesTaken("is broken"), 0);
}

// Enough states for the table to grow many times.
struct Odometer {
  struct State {
    std::uint8_t low = 0;
    std::uint8_t high = 0;
  };
  State initial() const { return {}; }
  void addSteps(const State& now, Steps<State>& steps) const {
    ++steps.add({"low", 0, "turns"}).low;
    if (now.low == 255) ++steps.add({"high", 0, "turns"}).high;
  }
  std::string violation(const State&) const { return {}; }
  std::string describe(const State&) const { return {}; }
};

TEST(Explorer, KeepsManyStatesApart) {
  const Exploration found = explore(Odometer());
  EXPECT_TRUE(found.finished);
  EXPECT_EQ(found.states, 65'536);
  EXPECT_EQ(found.depth, 255 + 255 + 255);
}

}  // namespace
}  // namespace strata::model
