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
// channel's up to 512. Keyed by the secret of the database, of 32 bytes, so that a session that may
// not read the secret can neither listen to a channel nor notify it, which need no right of their
// own. The hash is cut to half, so it cannot be extended to that of a longer channel.
std::string listenName(std::string_view secret, std::string_view channel);

// The same in SQL; `channel` is an expression.
std::string listenNameSql(std::string_view channel);

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
