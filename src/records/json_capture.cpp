#include "src/records/json_capture.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "src/base/json_text.h"

namespace strata::internal {
namespace {

template <typename Number>
void append(Number number, std::string& out) {
  std::array<char, 32> text;
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

// The number `digits` · 10^`exponent`, without zeros at either end of its digits: 1.50e3 is 15 ·
// 10².
struct Decimal {
  bool is_negative = false;
  std::string digits;
  std::int64_t exponent = 0;  // Boost.JSON refuses exponents beyond an int
};

Decimal decimalOf(std::string_view text) {
  Decimal decimal{.is_negative = text.starts_with('-'), .digits = {}};
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  if (e < text.size()) {
    const std::size_t sign = text[e + 1] == '+' ? 1 : 0;  // which from_chars does not know
    std::from_chars(text.data() + e + 1 + sign, text.data() + text.size(), decimal.exponent);
  }
  bool is_fraction = false;
  for (const char c : text.substr(0, e)) {
    if (c == '.') is_fraction = true;
    if (c < '0' || c > '9') continue;
    if (c != '0' || !decimal.digits.empty()) decimal.digits += c;
    if (is_fraction) --decimal.exponent;
  }
  while (decimal.digits.ends_with('0')) {
    decimal.digits.pop_back();
    ++decimal.exponent;
  }
  return decimal;
}

template <typename Integer>
bool fits(std::string_view text) {
  Integer integer{};
  return std::from_chars(text.data(), text.data() + text.size(), integer).ec == std::errc();
}

// Its text, when it is a whole number that fits an integer of 64 bits. Decided by its digits and
// not by the double nearest to it: jsonb stores 9007199254740993e0 as an integer.
std::optional<std::string> integerText(const Decimal& decimal) {
  constexpr std::int64_t kMaxDigits = 20;
  if (decimal.digits.empty()) return "0";
  const auto digits = static_cast<std::int64_t>(decimal.digits.size());
  if (decimal.exponent < 0 || decimal.exponent > kMaxDigits - digits) return std::nullopt;
  std::string text = decimal.is_negative ? "-" : "";
  text += decimal.digits;
  text.append(static_cast<std::size_t>(decimal.exponent), '0');
  if (!fits<std::int64_t>(text) && !fits<std::uint64_t>(text)) return std::nullopt;
  return text;
}

// The double nearest to a number; an infinity when it is beyond all of them.
double nearestDouble(std::string_view text, const Decimal& decimal) {
  double number = 0;
  const auto error = std::from_chars(text.data(), text.data() + text.size(), number).ec;
  // Too large or too small, and `number` is not set.
  const bool is_large = decimal.exponent + static_cast<std::int64_t>(decimal.digits.size()) > 0;
  if (error != std::errc()) return is_large ? HUGE_VAL : 0;
  return number;
}

}  // namespace

void JsonCapture::openObject() { open('{'); }
void JsonCapture::openArray() { open('['); }
void JsonCapture::closeArray() { close(']'); }

void JsonCapture::closeObject() {
  if (isRefused()) return;
  const auto [begin, first] = opened_.back();
  const auto of_object = members_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto misplaced =
      std::ranges::adjacent_find(of_object, members_.end(), std::greater_equal(), &Member::key);
  if (misplaced != members_.end()) text_.replace(begin + 1, text_.npos, sortedMembers(first));
  members_.erase(of_object, members_.end());
  close('}');
}

void JsonCapture::key(std::string_view text) {
  if (!goOn()) return;
  members_.push_back({std::string(text), text_.size()});
  appendText(text);
  text_ += ':';
}

void JsonCapture::string(std::string_view text) {
  if (goOn()) appendText(text);
}

void JsonCapture::boolean(bool value) {
  if (goOn()) text_ += value ? "true" : "false";
}

void JsonCapture::null() {
  if (opened_.empty()) return refuse("JSON other than null");
  if (goOn()) text_ += "null";
}

void JsonCapture::integer(std::int64_t number) {
  if (goOn()) append(number, text_);
}

void JsonCapture::integer(std::uint64_t number) {
  if (goOn()) append(number, text_);
}

void JsonCapture::number(std::string_view text) {
  if (!goOn()) return;
  const Decimal decimal = decimalOf(text);
  if (const auto integer = integerText(decimal)) {
    text_ += *integer;
    return;
  }
  appendDouble(nearestDouble(text, decimal));
}

Json JsonCapture::take() { return Json(std::exchange(text_, {})); }

bool JsonCapture::goOn() {
  if (isRefused()) return false;
  const bool is_first = text_.empty() || text_.ends_with('[') || text_.ends_with('{');
  if (!is_first && !text_.ends_with(':')) text_ += ',';
  return true;
}

void JsonCapture::open(char bracket) {
  if (opened_.size() == kMaxLevels) refuse(kTooDeep);
  if (!goOn()) return;
  opened_.push_back({text_.size(), members_.size()});
  text_ += bracket;
}

void JsonCapture::close(char bracket) {
  if (isRefused()) return;
  opened_.pop_back();
  text_ += bracket;
}

void JsonCapture::appendText(std::string_view text) {
  if (text.find('\0') != text.npos) return refuse("JSON without a NUL in its texts");
  appendQuotedJson(text, text_);
}

void JsonCapture::appendDouble(double number) {
  if (!std::isfinite(number)) return refuse("JSON with numbers in the range of a double");
  // Too precise for a double, so that the one nearest to it is whole: it reads back as an integer.
  if (number == std::trunc(number) && number >= -0x1p63 && number < 0x1p64) {
    if (number < 0) return append(static_cast<std::int64_t>(number), text_);
    return append(static_cast<std::uint64_t>(number), text_);
  }
  append(number, text_);
}

// The members of the object that ends, from `first` on: in the order of their keys, and of those
// with one key the last.
std::string JsonCapture::sortedMembers(std::size_t first) const {
  std::vector<std::size_t> order;
  for (std::size_t i = first; i < members_.size(); ++i) order.push_back(i);
  std::ranges::stable_sort(
      order, {}, [this](std::size_t i) -> auto& { return members_[i].key; });
  std::string sorted;
  for (std::size_t n = 0; n < order.size(); ++n) {
    const std::size_t i = order[n];
    if (n + 1 < order.size() && members_[order[n + 1]].key == members_[i].key) continue;
    const std::size_t begin = members_[i].begin;
    const bool is_last = i + 1 == members_.size();
    if (!sorted.empty()) sorted += ',';
    sorted.append(text_, begin, is_last ? text_.npos : members_[i + 1].begin - 1 - begin);
  }
  return sorted;
}

}  // namespace strata::internal
