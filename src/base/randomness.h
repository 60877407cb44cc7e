#pragma once

#include <cstddef>
#include <cstdint>

#include "strata/base/nonce.h"

namespace strata::internal {

// 64 bits from the system, for a generator that is nobody's secret: where all randomness of the
// core and the decorators begins.
std::uint64_t randomSeed();

// 64 unguessable bits of the system for what is made once in a process. Where randomness is fixed, a
// constant: the first run of a simulation must not take one number more than later ones.
std::uint64_t processSeed();

// Unguessable bytes, for names that a stranger could ask for. Thread-safe. Taken from the system in
// batches; a child of fork() does not use its parent's. Throws as makeNonce does.
void fillRandom(void* bytes, std::size_t size);

// Whether `nonce` was made by this process.
bool isOwn(const Nonce& nonce);

// For a simulation that must replay exactly: from here on all randomness of this process, nonces
// included, follows from `seed`. Never in production: two processes with one seed take each other's
// leases. Not thread-safe.
void fixRandomness(std::uint64_t seed);

}  // namespace strata::internal
