// Steps that concern all stores: units of work, and the clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/stores/conversations/lockstep/lockstep_world.h"

namespace strata::lockstep {

inline Operation beginUnit(World& world, Choices&) {
  if (world.in_unit) return {"nothing", [](Side&) { return std::string("OK"); }};
  world.in_unit = true;
  return {"begin", [](Side& side) { return answerOf(side, side.begin()); }};
}

inline Operation endUnit(World& world, Choices& choose) {
  if (!world.in_unit) return {"nothing", [](Side&) { return std::string("OK"); }};
  world.in_unit = false;
  if (choose.below(3) < 2) {
    return {"commit", [](Side& side) { return answerOf(side, side.commit()); }};
  }
  return {"rollback", [](Side& side) {
            side.rollback();
            return std::string("OK");
          }};
}

inline Operation letTimePass(World& world, Choices& choose) {
  world.noteTime();
  const auto time = choose.of({absl::Seconds(1), absl::Microseconds(1), absl::Minutes(10),
                               absl::Minutes(31), absl::Hours(25), absl::Hours(8 * 24)});
  world.clock.advance(time);
  return {"time passes: " + absl::FormatDuration(time), [](Side&) { return std::string("OK"); }};
}

inline Operation setClockBack(World& world, Choices& choose) {
  world.noteTime();
  const auto time = choose.of({std::chrono::microseconds(1), std::chrono::microseconds(1'000'000),
                               std::chrono::microseconds(3'600'000'000)});
  world.clock.setWallTime(std::max(world.clock.wallTime() - time, world.earliest));
  return {"the clock is set back", [](Side&) { return std::string("OK"); }};
}

}  // namespace strata::lockstep
