#include "src/base/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strata::internal {
namespace {

struct Sequence {
  std::size_t continuation_bytes;
  // Bounds of the first continuation byte; they exclude overlong forms, surrogates and what lies
  // beyond U+10FFFF (RFC 3629, section 4).
  unsigned char low;
  unsigned char high;
};

constexpr Sequence kInvalid{0, 1, 0};

Sequence sequenceOf(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {1, 0x80, 0xBF};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {2, 0x80, 0xBF};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {3, 0x80, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return kInvalid;
}

// How many bytes at the start of `text` are ASCII, to a multiple of eight: most text is only that.
std::size_t asciiPrefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t length = 0;
  while (length + 8 <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + length, sizeof word);
    if ((word & kHighBits) != 0) break;
    length += 8;
  }
  return length;
}

}  // namespace

bool isUtf8(std::string_view text) {
  for (std::size_t i = asciiPrefix(text); i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) continue;
    const Sequence sequence = sequenceOf(lead);
    if (sequence.continuation_bytes == 0 || text.size() - i <= sequence.continuation_bytes) {
      return false;
    }
    const auto first = static_cast<unsigned char>(text[i + 1]);
    if (first < sequence.low || first > sequence.high) return false;
    for (std::size_t k = 2; k <= sequence.continuation_bytes; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += sequence.continuation_bytes;
  }
  return true;
}

}  // namespace strata::internal
