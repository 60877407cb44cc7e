// exploreAndTell(): explores, and prints how much that was.
#pragma once

#include <chrono>
#include <iomanip>
#include <iostream>

#include "tests/model/explorer.h"
#include "tests/model/protocol.h"

namespace strata::model {

inline Exploration exploreAndTell(const Variant& variant, const Scope& scope, Promise promise) {
  const auto started = std::chrono::steady_clock::now();
  Exploration found = explore(Protocol(variant, scope, promise));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  std::cout << found.states << " states, " << found.steps << " steps, depth " << found.depth << ", "
            << std::fixed << std::setprecision(2) << seconds.count() << " s\n";
  return found;
}

}  // namespace strata::model
