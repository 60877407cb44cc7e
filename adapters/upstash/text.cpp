#include "adapters/upstash/text.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "src/base/utf8.h"

namespace strata::internal {
namespace {

constexpr std::string_view kMarker = "%bytes:";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> digitsOfBase64() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}

constexpr std::array<std::uint8_t, 256> kDigits = digitsOfBase64();

bool isAscii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

// The byte whose two-byte form in UTF-8 begins at `at`; none when there is no such.
std::optional<char> highByteAt(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if ((lead != 0xc2 && lead != 0xc3) || at + 1 == text.size()) return std::nullopt;
  const auto follower = static_cast<unsigned char>(text[at + 1]);
  if ((follower & 0xc0U) != 0x80) return std::nullopt;
  return static_cast<char>(((lead & 0x03U) << 6U) | (follower & 0x3fU));
}

}  // namespace

std::string textOfBytes(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xc0U | (byte >> 6U)));
      text.push_back(static_cast<char>(0x80U | (byte & 0x3fU)));
    }
  }
  return text;
}

std::string bytesOfText(std::string text) {
  if (isAscii(text)) return text;
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      bytes.push_back(text[i]);
      continue;
    }
    const std::optional<char> byte = highByteAt(text, i);
    if (!byte) return text;
    bytes.push_back(*byte);
    ++i;
  }
  return bytes;
}

std::string textOfKey(std::string_view key) {
  if (isUtf8(key) && !key.starts_with(kMarker)) return std::string(key);
  return std::string(kMarker) + textOfBytes(key);
}

std::string keyOfText(std::string text) {
  if (!text.starts_with(kMarker)) return text;
  return bytesOfText(text.substr(kMarker.size()));
}

UpstashKeyPrefixes textsOfKeyPrefix(std::string_view prefix) {
  constexpr std::size_t kMostCut = 3;  // bytes of a character that is not complete
  std::string_view text = prefix;
  while (!isUtf8(text) && prefix.size() - text.size() < kMostCut) text.remove_suffix(1);
  return {.of_text = std::string(isUtf8(text) ? text : std::string_view()),
          .of_bytes = std::string(kMarker) + textOfBytes(prefix)};
}

std::optional<std::string> base64Decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string decoded;
  decoded.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return std::nullopt;
    bits = (bits << 6U) | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU));
  }
  return decoded;
}

}  // namespace strata::internal
