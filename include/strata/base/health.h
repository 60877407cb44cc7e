// Health: whether a component works, asked now. A decorator reports those below it as children.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace strata {

enum class HealthState : std::uint8_t {
  kPass,
  kWarn,  // still serving, but something that is not critical is down (a cache)
  kFail,
};

std::string_view toString(HealthState state);

struct Health {
  // What it is: "store", "cache", "database".
  std::string component;
  // What stands behind it, one of five words: "postgres", "redis", "upstash", "in-memory", "none".
  std::string backend;
  HealthState state = HealthState::kPass;
  // How long the check took.
  absl::Duration latency;
  // Why it does not pass; empty otherwise. Never holds a secret.
  std::string error;
  std::vector<Health> children;

  // Whether it serves: everything but kFail.
  bool healthy() const { return state != HealthState::kFail; }
};

// One line for people: "store pass (in-memory, 0.1 ms)", its children indented below it.
std::string describe(const Health& health);
// The same as one JSON object: component, backend, state, healthy, latencyMs, and error and children
// where there are any.
std::string toJson(const Health& health);

}  // namespace strata
