#include "stores/conversations/conversation/page_cursor.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>

#include "absl/strings/escaping.h"
#include "stores/base/uuid.h"

namespace strata::internal {
namespace {

// "1|{microseconds since 1970}|{id}", where 1 is the version of this form.
constexpr std::string_view kVersion = "1|";

absl::Status undecodable() {
  return absl::InvalidArgumentError("the cursor is none that a page gave");
}

std::optional<Timestamp> parseMicros(std::string_view digits) {
  std::int64_t micros = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, micros);
  if (error != std::errc() || stop != end) return std::nullopt;
  const Timestamp time{std::chrono::microseconds(micros)};
  return time < kMinTimestamp || time > kMaxTimestamp ? std::nullopt : std::optional(time);
}

}  // namespace

std::string encodeCursor(const ActivityCursor& cursor) {
  return absl::WebSafeBase64Escape(
      fmt::format("{}{}|{}", kVersion, cursor.active_at.time_since_epoch().count(), cursor.id));
}

absl::StatusOr<ActivityCursor> decodeCursor(std::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &bytes)) {
    return undecodable();
  }
  const std::size_t bar = bytes.rfind('|');
  if (!bytes.starts_with(kVersion) || bar < kVersion.size()) return undecodable();
  const std::string_view whole = bytes;
  const auto active_at = parseMicros(whole.substr(kVersion.size(), bar - kVersion.size()));
  const auto id = canonicalUuid(whole.substr(bar + 1), "cursor");
  if (!active_at || !id.ok()) return undecodable();
  return ActivityCursor{.active_at = *active_at, .id = *id};
}

}  // namespace strata::internal
