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

// How many names there are at most, however many channels: PostgreSQL keeps the names of a session
// in a list, which each LISTEN and each notification goes through, so a name for each channel cost
// the square of their number.
inline constexpr int kListenNames = 4096;

// The name to LISTEN to for a channel, which it shares with others: what is heard under it is for
// whichever channel it says. An identifier that needs no quotes. Keyed by the secret of the database,
// of 32 bytes, so that a session that may not read the secret can neither listen to a channel nor
// notify it, which need no right of their own: the first hash chooses one of kListenNames places, and
// the name is the hash of the secret and the place. Both are cut, so neither can be extended.
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
