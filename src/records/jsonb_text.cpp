#include "src/records/jsonb_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace strata::internal {
namespace {

// Of a number with an exponent: "1e+300" is written with all its digits.
std::size_t expandedSize(std::string_view number) {
  const std::size_t e = number.find('e');
  const std::string_view digits = number.substr(0, e);
  const std::size_t sign = digits.starts_with('-') ? 1 : 0;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t behind_point = digits.size() - std::min(point + 1, digits.size());
  const auto decimals = static_cast<std::int64_t>(behind_point);
  std::int64_t exponent = 0;
  const std::size_t plus = number[e + 1] == '+' ? 1 : 0;  // which from_chars does not know
  std::from_chars(number.data() + e + 1 + plus, number.data() + number.size(), exponent);
  const auto whole = std::max<std::int64_t>(static_cast<std::int64_t>(point - sign) + exponent, 1);
  const std::int64_t scale = std::max<std::int64_t>(decimals - exponent, 0);
  return sign + static_cast<std::size_t>(whole + scale + (scale > 0 ? 1 : 0));
}

// How much shorter jsonb's text of the string at the beginning of `json` is, and where the string
// ends: jsonb writes \b and \f, JSON text of ours \u0008 and \u000c.
struct StringPart {
  std::size_t end = 1;
  std::size_t saved = 0;
};

StringPart stringAt(std::string_view json) {
  StringPart part;
  for (;;) {
    part.end = json.find_first_of("\"\\", part.end);
    if (json[part.end] == '"') break;
    const std::string_view escape = json.substr(part.end, 6);
    if (escape == "\\u0008" || escape == "\\u000c") part.saved += 4;
    part.end += 2;
  }
  ++part.end;
  return part;
}

}  // namespace

std::size_t jsonbTextSize(std::string_view json) {
  std::size_t size = json.size();
  for (std::size_t i = 0; i < json.size();) {
    const char c = json[i];
    if (c == '"') {
      const StringPart part = stringAt(json.substr(i));
      size -= part.saved;
      i += part.end;
      continue;
    }
    if (c == ':' || c == ',') ++size;
    if (c != '-' && (c < '0' || c > '9')) {
      ++i;
      continue;
    }
    const std::size_t end = std::min(json.find_first_of(",]}", i), json.size());
    const std::string_view number = json.substr(i, end - i);
    if (number.find('e') != number.npos) size += expandedSize(number) - number.size();
    i = end;
  }
  return size;
}

}  // namespace strata::internal
