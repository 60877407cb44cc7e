#include "stores/base/uuid.h"

#include <fmt/format.h>

#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "strata/base/hash.h"
#include "strata/base/nonce.h"

namespace strata::internal {
namespace {

constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

bool fits(unsigned char c, char shape) { return shape == '-' ? c == '-' : std::isxdigit(c) != 0; }

}  // namespace

absl::StatusOr<std::string> canonicalUuid(std::string_view text, std::string_view what) {
  std::string canonical;
  canonical.reserve(kShape.size());
  for (std::size_t i = 0; i < text.size() && i < kShape.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!fits(c, kShape[i])) break;
    canonical.push_back(static_cast<char>(std::tolower(c)));
  }
  if (canonical.size() != kShape.size() || text.size() != kShape.size()) {
    return absl::InvalidArgumentError(fmt::format("{} is not a UUID", what));
  }
  return canonical;
}

std::string newUuid(Timestamp now) {
  // A nonce is used once, in this process or any other, so what it hashes to is too.
  const Nonce nonce = makeNonce();
  const std::string_view bytes(nonce.data(), nonce.size());
  const std::uint64_t first = stableHash(bytes);
  const std::uint64_t second = stableHash(fmt::format("{}{}", first, bytes));
  const auto millis = static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count());
  constexpr std::uint64_t kVariant = 0x8000;
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", (millis >> 16) & 0xffffffff,
                     millis & 0xffff, first & 0xfff, kVariant | ((first >> 12) & 0x3fff),
                     second & 0xffffffffffff);
}

}  // namespace strata::internal
