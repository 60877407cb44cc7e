// stableHash: a 64-bit hash that is the same in every process and on every machine.
//
// For fingerprints, shards and keys' checksums in cached cells. Not for keys that an adversary
// chooses, and not for proving that two byte strings are equal.
#pragma once

#include <cstdint>
#include <string_view>

namespace strata {

// MurmurHash64A, seed 0. Does not change between versions of Strata: cached cells hold it.
std::uint64_t stableHash(std::string_view bytes);

}  // namespace strata
