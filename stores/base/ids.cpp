#include "stores/base/ids.h"

#include "stores/base/uuid.h"

namespace strata::internal {

std::string Ids::take(std::string_view text, std::string_view what) {
  absl::StatusOr<std::string> canonical = canonicalUuid(text, what);
  if (canonical.ok()) return *std::move(canonical);
  if (status_.ok()) status_ = canonical.status();
  return {};
}

std::optional<std::string> Ids::takeOptional(const std::optional<std::string>& text,
                                             std::string_view what) {
  if (!text) return std::nullopt;
  return take(*text, what);
}

}  // namespace strata::internal
