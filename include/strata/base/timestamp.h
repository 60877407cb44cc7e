// Timestamp: wall-clock time in records. UTC with microseconds, the precision of PostgreSQL's
// timestamptz, so that what is stored reads back exactly.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace strata {

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// What a record may hold: the years 0001 to 9999.
inline constexpr Timestamp kMinTimestamp = std::chrono::sys_days(std::chrono::year{1} / 1 / 1);
inline constexpr Timestamp kMaxTimestamp =
    Timestamp(std::chrono::sys_days(std::chrono::year{10000} / 1 / 1)) -
    std::chrono::microseconds(1);

// "2026-01-31T23:59:59.123456Z", always with six digits.
std::string formatTimestamp(Timestamp time);

// RFC 3339, with 'T' or a space between date and time, up to six digits of a fraction (more are
// cut off), and 'Z' or an offset such as "+02", "+02:00". None when it is anything else.
std::optional<Timestamp> parseTimestamp(std::string_view text);

}  // namespace strata
