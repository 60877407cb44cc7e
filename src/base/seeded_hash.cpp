#include "strata/base/internal/seeded_hash.h"

#include <bit>
#include <cstring>

#include "src/base/randomness.h"

namespace strata::internal {
namespace {

struct SipState {
  std::uint64_t v0;
  std::uint64_t v1;
  std::uint64_t v2;
  std::uint64_t v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32) + v3;
    v2 += v1;
    v3 = std::rotl(v3, 21) ^ v0;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
};

template <int Rounds>
void absorb(SipState& state, std::uint64_t word) {
  state.v3 ^= word;
  for (int i = 0; i < Rounds; ++i) state.round();
  state.v0 ^= word;
}

// The function's words are little-endian; numbers of this process alone need not be, but those of
// the published test vectors do.
std::uint64_t wordOf(const char* bytes, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, size);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

// SipHash, by Jean-Philippe Aumasson and Daniel J. Bernstein (131002.net/siphash).
template <int Compressions, int Finalizations>
std::uint64_t sipHash(const SipKey& key, std::string_view bytes) {
  SipState state{key.first ^ 0x736f6d6570736575, key.second ^ 0x646f72616e646f6d,
                 key.first ^ 0x6c7967656e657261, key.second ^ 0x7465646279746573};
  const char* at = bytes.data();
  const char* const whole = at + (bytes.size() & ~std::size_t{7});
  for (; at != whole; at += 8) absorb<Compressions>(state, wordOf(at, 8));
  const std::size_t rest = bytes.size() & 7;
  const std::uint64_t tail = rest == 0 ? 0 : wordOf(at, rest);
  absorb<Compressions>(state, tail | (std::uint64_t{bytes.size()} << 56));
  state.v2 ^= 0xff;
  for (int i = 0; i < Finalizations; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

template std::uint64_t sipHash<1, 3>(const SipKey&, std::string_view);
template std::uint64_t sipHash<2, 4>(const SipKey&, std::string_view);

std::uint64_t seededHash(std::string_view bytes) {
  static const SipKey key{processSeed(), processSeed()};
  return sipHash<1, 3>(key, bytes);
}

}  // namespace strata::internal
