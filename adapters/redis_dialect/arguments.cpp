#include "adapters/redis_dialect/arguments.h"

namespace strata::internal {

std::string scanPatternOf(std::string_view prefix) {
  constexpr std::string_view kSpecial = "*?[]\\";
  std::string pattern;
  for (const char c : prefix) {
    if (kSpecial.find(c) != std::string_view::npos) pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + "*";
}

std::string millisText(absl::Duration ttl) {
  return std::to_string(absl::ToInt64Milliseconds(ttl));
}

}  // namespace strata::internal
