// A client process: threads that read and write random keys through the stack and write down what
// they were answered.
#pragma once

#include <cstddef>

#include "tests/chaos/control.h"
#include "tests/chaos/history.h"

namespace strata::chaos {

// Runs until Phase::kEnding. Returns the exit code.
int runClient(Control& control, History& history, std::size_t slot);

}  // namespace strata::chaos
