#include "strata/base/timestamp.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace strata {
namespace {

// Takes a timestamp's text apart from the front. Every step is a no-op once one has failed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  // Exactly `digits` digits as a number.
  int number(std::size_t digits) {
    int value = 0;
    if (rest_.size() < digits) return fail();
    for (char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return fail();
      value = 10 * value + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }

  // One of the characters of `allowed`, or fails.
  char expect(std::string_view allowed) {
    const char c = acceptAny(allowed);
    if (c == '\0') fail();
    return c;
  }

  char acceptAny(std::string_view allowed) {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  // The digits of a fraction in microseconds; zero where there is none.
  std::chrono::microseconds fraction() {
    if (acceptAny(".") == '\0') return {};
    int micros = 0;
    std::size_t digits = 0;
    while (const char c = acceptAny("0123456789")) {
      if (digits++ < 6) micros = 10 * micros + (c - '0');
    }
    if (digits == 0) fail();
    for (std::size_t i = digits; i < 6; ++i) micros *= 10;
    return std::chrono::microseconds(micros);
  }

  std::chrono::minutes offset() {
    const char sign = expect("Zz+-");
    if (sign == 'Z' || sign == 'z' || failed_) return {};
    const std::chrono::hours hours(number(2));
    acceptAny(":");
    const std::chrono::minutes minutes(rest_.empty() ? 0 : number(2));
    return sign == '-' ? -(hours + minutes) : hours + minutes;
  }

  bool atEndWithoutFailure() const { return !failed_ && rest_.empty(); }

 private:
  int fail() {
    failed_ = true;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

// By hand, since most records that are encoded have some.
std::string formatTimestamp(Timestamp time) {
  time = std::clamp(time, kMinTimestamp, kMaxTimestamp);  // no record holds any other
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text = "0000-00-00T00:00:00.000000Z";
  const auto write = [&text](std::size_t end, std::int64_t number) {
    for (std::size_t at = end; number > 0; number /= 10) {
      text[--at] = static_cast<char>('0' + number % 10);
    }
  };
  write(4, static_cast<int>(date.year()));
  write(7, static_cast<unsigned>(date.month()));
  write(10, static_cast<unsigned>(date.day()));
  write(13, clock.hours().count());
  write(16, clock.minutes().count());
  write(19, clock.seconds().count());
  write(26, clock.subseconds().count());
  return text;
}

std::optional<Timestamp> parseTimestamp(std::string_view text) {
  Scanner scanner(text);
  const std::chrono::year year(scanner.number(4));
  scanner.expect("-");
  const std::chrono::month month(static_cast<unsigned>(scanner.number(2)));
  scanner.expect("-");
  const std::chrono::day day(static_cast<unsigned>(scanner.number(2)));
  scanner.expect("Tt ");
  const std::chrono::hours hours(scanner.number(2));
  scanner.expect(":");
  const std::chrono::minutes minutes(scanner.number(2));
  scanner.expect(":");
  const std::chrono::seconds seconds(scanner.number(2));
  const std::chrono::microseconds micros = scanner.fraction();
  const std::chrono::minutes offset = scanner.offset();
  const std::chrono::year_month_day date(year, month, day);
  const bool in_range = hours < std::chrono::hours(24) && minutes < std::chrono::minutes(60) &&
                        seconds < std::chrono::seconds(60);
  if (!scanner.atEndWithoutFailure() || !date.ok() || !in_range) return std::nullopt;
  return Timestamp(std::chrono::sys_days(date)) + hours + minutes + seconds + micros - offset;
}

}  // namespace strata
