#pragma once

#include <cstdint>

namespace strata::internal {

// 64 bits from the system, for a generator that is nobody's secret: where all randomness of the
// core and the decorators begins.
std::uint64_t randomSeed();

// For a simulation that must replay exactly: from here on all randomness of this process, nonces
// included, follows from `seed`. Never in production: two processes with one seed take each other's
// leases. Not thread-safe.
void fixRandomness(std::uint64_t seed);

}  // namespace strata::internal
