#include "stores/clarify/context_text.h"

#include <cstdint>
#include <span>

namespace strata::internal {
namespace {

// Contexts are made for every request, and nearly all of one is users' text. So it is gone through
// in blocks of a known size and without a branch for each byte: compilers make vector instructions
// of that already at -O2.
constexpr std::size_t kBlock = 32;

bool beginsCodePoint(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

char onOneLine(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F ? ' ' : c;
}

}  // namespace

std::size_t codePoints(std::string_view text) {
  std::size_t count = 0;
  for (; text.size() >= kBlock; text.remove_prefix(kBlock)) {
    std::uint8_t in_block = 0;
    for (std::size_t i = 0; i < kBlock; ++i) in_block += beginsCodePoint(text[i]) ? 1 : 0;
    count += in_block;
  }
  for (const char byte : text) count += beginsCodePoint(byte) ? 1 : 0;
  return count;
}

std::string_view prefix(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size()) {
    if (beginsCodePoint(text[end]) && count-- == 0) break;
    ++end;
  }
  return text.substr(0, end);
}

void appendOnOneLine(std::string& text, std::string_view users) {
  const std::size_t before = text.size();
  text += users;
  std::span<char> rest = std::span(text).subspan(before);
  for (; rest.size() >= kBlock; rest = rest.subspan(kBlock)) {
    for (std::size_t i = 0; i < kBlock; ++i) rest[i] = onOneLine(rest[i]);
  }
  for (char& c : rest) c = onOneLine(c);
}

}  // namespace strata::internal
