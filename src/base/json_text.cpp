#include "src/base/json_text.h"

#include <fmt/format.h>

#include <cstddef>

namespace strata::internal {
namespace {

void appendEscape(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
      break;
  }
}

}  // namespace

void appendQuotedJson(std::string_view text, std::string& out) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\') continue;
    out.append(text, copied, i - copied);
    appendEscape(c, out);
    copied = i + 1;
  }
  out.append(text, copied);
  out += '"';
}

}  // namespace strata::internal
