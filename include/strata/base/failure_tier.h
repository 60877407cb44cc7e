// FailureTier: what a component does when something it leans on fails.
#pragma once

#include <cstdint>

namespace strata {

enum class FailureTier : std::uint8_t {
  kCritical,    // fail closed: the error reaches the caller
  kImportant,   // degrade: warn once, do without it
  kBestEffort,  // fail open: allow, warn once
};

}  // namespace strata
