#pragma once

#include <cstdint>
#include <vector>

#include "strata/records/internal/type_info.h"

namespace strata::internal {

// A hash of each member of a type, those of its parts included: of its path from the outermost
// record and of its kind. Ascending, each once, and the same on every machine. A record that was
// encoded by another binary can be read by this one if it has all of these.
//
// Enumerators are no part of it: a name that a reader does not know is refused when it is read. Two
// members that differ have the same hash with a probability of 2^-32.
std::vector<std::uint32_t> memberHashes(const TypeInfo& type);

}  // namespace strata::internal
