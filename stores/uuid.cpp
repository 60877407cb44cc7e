#include "stores/uuid.h"

#include <fmt/format.h>

#include <cctype>
#include <cstddef>

namespace strata {
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

}  // namespace strata
