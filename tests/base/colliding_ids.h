// Ids that collide under functions without a secret, as an adversary makes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace strata::testing {

// All collide under stableHash and libstdc++'s std::hash, whatever seed these had. Both multiply
// what they have with an odd number after each word, so a difference in the highest bit alone stays
// there until the next word cancels it: each pair of words comes in two forms. `count`: a power of
// two.
inline std::vector<std::string> collidingIds(std::size_t count) {
  constexpr std::uint64_t kMultiplier = 0xC6A4A7935BD1E995;
  constexpr std::uint64_t kInverse = 0x5F7A0EA7E59B19BD;  // kMultiplier * kInverse == 1
  static_assert(kMultiplier * kInverse == 1);
  // The word that is mixed into what `word` is mixed into, but for the highest bit.
  const auto twin = [](std::uint64_t word) {
    const auto shifted = [](std::uint64_t x) { return x ^ (x >> 47); };
    const std::uint64_t mixed = shifted(word * kMultiplier) * kMultiplier;
    return shifted((mixed ^ (std::uint64_t{1} << 63)) * kInverse) * kInverse;
  };
  std::vector<std::string> ids{""};
  for (std::uint64_t word = 0x6f3032756b6a696f; ids.size() < count; ++word) {
    std::vector<std::string> longer;
    for (const std::string& id : ids) {
      for (const std::uint64_t form : {word, twin(word)}) {
        std::string two(16, '\0');
        std::memcpy(two.data(), &form, sizeof form);
        std::memcpy(two.data() + sizeof form, &form, sizeof form);
        longer.push_back(id + two);
      }
    }
    ids = std::move(longer);
  }
  return ids;
}

}  // namespace strata::testing
