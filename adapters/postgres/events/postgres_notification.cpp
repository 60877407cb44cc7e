#include "adapters/postgres/events/postgres_notification.h"

#include <fmt/format.h>

#include <charconv>

#include "src/base/sha256.h"

namespace strata::postgres {
namespace {

constexpr char kByValue = 'v';
constexpr char kByReference = 'r';
// Of the hash of a channel: 16 to the power of this is kListenNames.
constexpr int kPlaceDigits = 3;
static_assert(1 << (4 * kPlaceDigits) == kListenNames);
constexpr int kNameDigits = 32;

std::string keyedHash(std::string_view secret, std::string_view text, int digits) {
  return internal::sha256Hex(std::string(secret).append(text)).substr(0, digits);
}

// The same in SQL.
std::string keyedHashSql(std::string_view text, int digits) {
  return fmt::format(
      "left(encode(sha256((SELECT secret FROM strata_event_secret)"
      " || convert_to({}, 'UTF8')), 'hex'), {})",
      text, digits);
}

}  // namespace

std::string listenName(std::string_view secret, std::string_view channel) {
  return "strata_" + keyedHash(secret, keyedHash(secret, channel, kPlaceDigits), kNameDigits);
}

std::string listenNameSql(std::string_view channel) {
  return fmt::format("'strata_' || {}",
                     keyedHashSql(keyedHashSql(channel, kPlaceDigits), kNameDigits));
}

std::string notificationHead(std::string_view channel, bool by_reference, std::size_t number) {
  return fmt::format("{}{}\n{}\n", by_reference ? kByReference : kByValue, number, channel);
}

std::optional<Notification> parseNotification(std::string_view text) {
  if (text.empty() || (text[0] != kByValue && text[0] != kByReference)) return std::nullopt;
  const std::size_t first = text.find('\n');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('\n', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  Notification found{.channel = text.substr(first + 1, second - first - 1),
                     .payload = text.substr(second + 1)};
  if (text[0] == kByValue) return found;
  std::int64_t row = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(found.payload.data(), end, row);
  if (error != std::errc() || stopped != end) return std::nullopt;
  found.payload = {};
  found.row = row;
  return found;
}

}  // namespace strata::postgres
