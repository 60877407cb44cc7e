// What a NOTIFY of an event says. Without I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::postgres {

// PostgreSQL takes less than 8 000 bytes.
inline constexpr std::size_t kMostNotifyBytes = 7900;

// The name to LISTEN to, an identifier that needs no quotes: PostgreSQL's have up to 63 bytes, a
// channel's up to 512.
std::string listenName(std::string_view channel);

// The beginning of a NOTIFY; behind it stands the payload, or the digits of the row that has it.
// `number` tells equal messages of one transaction apart, of which PostgreSQL would send one.
std::string notificationHead(std::string_view channel, bool by_reference, std::size_t number);

struct Notification {
  std::string_view channel;
  std::string_view payload;           // where there is no row
  std::optional<std::int64_t> row{};  // of strata_events
};
// None: it is no event's.
std::optional<Notification> parseNotification(std::string_view text);

}  // namespace strata::postgres
