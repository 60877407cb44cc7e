#include "src/base/log_line.h"

#include <algorithm>
#include <cstddef>

#include "src/base/json_text.h"
#include "src/base/utf8.h"

namespace strata::internal {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::string replaceNonAscii(std::string_view text) {
  std::string replaced;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80) {
      replaced += c;
    } else {
      replaced += kReplacement;
    }
  }
  return replaced;
}

// "1", "-2.5e3" and, for simplicity, "1.2.3".
bool looksLikeNumber(std::string_view text) {
  const auto belongs_to_number = [](char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
  };
  return std::all_of(text.begin(), text.end(), belongs_to_number);
}

bool looksLikeLiteral(std::string_view text) {
  return text == "true" || text == "false" || text == "null" || looksLikeNumber(text);
}

bool hasSpecial(std::string_view text) {
  const auto is_special = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7F;
  };
  return std::any_of(text.begin(), text.end(), is_special);
}

void appendValue(const LogField& field, std::string& line) {
  const std::string& text = field.text();
  if (field.isLiteral() || !(looksLikeLiteral(text) || hasSpecial(text) || !isUtf8(text))) {
    line += text;
  } else {
    appendLogText(text, line);
  }
}

// Where the quoted string at the start of `text` ends, behind its last quote.
std::size_t quotedLength(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

std::string_view take(std::string_view& text, std::size_t length) {
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(taken.size());
  return taken;
}

}  // namespace

const char* const kEventMark = "strata event";

void appendLogText(std::string_view text, std::string& out) {
  if (isUtf8(text)) {
    appendQuotedJson(text, out);
  } else {
    appendQuotedJson(replaceNonAscii(text), out);
  }
}

std::string logLine(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    line.append(" ").append(field.name()).append("=");
    appendValue(field, line);
  }
  return line;
}

LogLineReader::LogLineReader(std::string_view line) : rest_(line) {
  event_ = take(rest_, rest_.find(' '));
}

std::optional<LogLineReader::Field> LogLineReader::next() {
  if (rest_.empty()) return std::nullopt;
  rest_.remove_prefix(1);
  Field field;
  field.name = take(rest_, rest_.find('='));
  rest_.remove_prefix(std::min<std::size_t>(1, rest_.size()));
  const bool is_quoted = rest_.starts_with('"');
  field.value = take(rest_, is_quoted ? quotedLength(rest_) : rest_.find(' '));
  field.is_text = is_quoted || !looksLikeLiteral(field.value);
  return field;
}

}  // namespace strata::internal
