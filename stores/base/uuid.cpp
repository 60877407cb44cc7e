#include "stores/base/uuid.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "src/base/randomness.h"

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
  std::array<std::uint64_t, 2> random{};
  fillRandom(random.data(), sizeof(random));
  const auto millis = static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count());
  constexpr std::uint64_t kVariant = 0x8000;
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", (millis >> 16) & 0xffffffff,
                     millis & 0xffff, random[0] & 0xfff, kVariant | ((random[0] >> 12) & 0x3fff),
                     random[1] & 0xffffffffffff);
}

}  // namespace strata::internal
