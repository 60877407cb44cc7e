// seededHash: for maps and shards in one process whose keys are texts that callers choose.
//
// An adversary who knows the hash function of a map can choose keys that all collide, and makes
// every look-up a walk through all of them. This one depends on a secret of the process. Neither
// stableHash nor std::hash nor boost::hash does. absl::Hash begins with an address, but its
// multiplications with public constants make some texts collide whatever that is.
//
// Not for what other processes see or what outlives this one: see stableHash (strata/base/hash.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace strata::internal {

// Another number in each process; a child of fork() goes on with its parent's. All bits are equally
// good. Thread-safe.
std::uint64_t seededHash(std::string_view bytes);

struct SeededHash {
  using is_transparent = void;
  using is_avalanching = void;  // for Boost's maps
  std::size_t operator()(std::string_view bytes) const { return seededHash(bytes); }
};

template <typename Value>
using SeededMap = absl::flat_hash_map<std::string, Value, SeededHash, std::equal_to<>>;
// The texts must outlive the map.
template <typename Value>
using SeededViewMap = absl::flat_hash_map<std::string_view, Value, SeededHash, std::equal_to<>>;
using SeededViewSet = absl::flat_hash_set<std::string_view, SeededHash, std::equal_to<>>;

// One of `count` shards, of a map whose own look-ups use the same hash. Bits from the middle: maps
// use those at both ends.
inline std::size_t shardOfHash(std::uint64_t hash, std::size_t count) {
  return static_cast<std::size_t>((hash >> 20) & 0xffffff) % count;
}

// SipHash with `Compressions` rounds for each word and `Finalizations` at the end.
struct SipKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};
template <int Compressions, int Finalizations>
std::uint64_t sipHash(const SipKey& key, std::string_view bytes);

}  // namespace strata::internal
