#include "adapters/redis_dialect/rate_limit_script.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

namespace strata::internal {

absl::StatusOr<RateLimitLog::Entry> parseRateLimitAnswer(std::string_view text) {
  std::array<std::int64_t, 4> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::int64_t& number : numbers) {
    const bool separated = &number == &numbers.front() || (at != end && *at++ == ' ');
    const auto [next, error] = std::from_chars(at, end, number);
    if (!separated || error != std::errc()) {
      return absl::InternalError("no answer to a check of a rate limit");
    }
    at = next;
  }
  if (at != end) return absl::InternalError("no answer to a check of a rate limit");
  const auto [recorded, count, wait, room_at] = numbers;
  return RateLimitLog::Entry{.recorded = recorded == 1,
                             .count = count,
                             .until_room = absl::Microseconds(wait),
                             .room_at = Timestamp(std::chrono::microseconds(room_at))};
}

}  // namespace strata::internal
