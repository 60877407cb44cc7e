// Notifications of PostgreSQL, which any session of the database may send, and the stream of Upstash.
#include <string>
#include <string_view>

#include "adapters/postgres/events/postgres_notification.h"
#include "adapters/upstash/event_text.h"
#include "fuzz/fuzz_target.h"

namespace strata {
namespace notification_fuzz {

using fuzz::expect;

void readNotification(std::string_view text) {
  const auto found = postgres::parseNotification(text);
  if (!found) return;
  expect(found->channel.find('\n') == std::string_view::npos);
  expect(!found->row || found->payload.empty());
  const std::string whole =
      postgres::notificationHead(found->channel, found->row.has_value(), 7) +
      (found->row ? std::to_string(*found->row) : std::string(found->payload));
  const auto again = postgres::parseNotification(whole);
  expect(again && again->channel == found->channel && again->payload == found->payload &&
         again->row == found->row);
}

// What was published is read back, whatever bytes it holds.
void publish(std::string_view payload) {
  const auto read = internal::payloadOfText(internal::publishedText(std::string(payload)));
  expect(read && *read == payload);
}

void readStreamed(std::string_view text) {
  constexpr std::string_view kPattern = "app:events:*";
  internal::isConfirmation(text, kPattern);
  const auto is_wanted = [](std::string_view channel) {
    return channel.starts_with("app:events:");
  };
  const auto event = internal::parseStreamed(text, kPattern, is_wanted);
  if (event) expect(is_wanted(event->channel));
}

}  // namespace notification_fuzz
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  strata::notification_fuzz::readNotification(text);
  strata::notification_fuzz::publish(text);
  strata::notification_fuzz::readStreamed(text);
  return 0;
}
