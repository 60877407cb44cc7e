#include "adapters/upstash/event_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "adapters/upstash/text.h"
#include "src/base/utf8.h"

namespace strata::internal {
namespace {

constexpr std::string_view kBase64 = "%base64:";
constexpr std::size_t kMaxChannelBytes = 512;

bool isControl(char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }

bool looksLikeAnEvent(std::string_view text) {
  return text.starts_with('{') && isUtf8(text) && std::none_of(text.begin(), text.end(), isControl);
}

bool beginsLikeText(std::string_view text) {
  return text.starts_with('{') || text.starts_with(kBase64);
}

// Cuts `prefix` off the front of `text` if it is there.
bool consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::string publishedText(std::string payload) {
  if (looksLikeAnEvent(payload)) return payload;
  return std::string(kBase64) + absl::Base64Escape(absl::string_view(payload));
}

std::optional<std::string> payloadOfText(std::string_view text) {
  if (consume(text, kBase64)) return base64Decoded(text);
  return text.starts_with('{') ? std::optional<std::string>(text) : std::nullopt;
}

std::string patternOfPrefix(std::string_view prefix) {
  std::string pattern;
  for (const char c : prefix) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + '*';
}

std::string pathSegment(std::string_view segment) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
  std::string encoded;
  for (const char c : segment) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

bool isConfirmation(std::string_view data, std::string_view pattern) {
  return consume(data, "psubscribe,") && consume(data, pattern) && data.starts_with(',');
}

std::optional<StreamedEvent> parseStreamed(std::string_view data, std::string_view pattern,
                                           absl::FunctionRef<bool(std::string_view)> is_wanted) {
  if (!consume(data, "pmessage,") || !consume(data, pattern) || !consume(data, ",")) {
    return std::nullopt;
  }
  std::optional<StreamedEvent> found;
  for (std::size_t comma = data.find(','); comma <= kMaxChannelBytes;
       comma = data.find(',', comma + 1)) {
    const StreamedEvent event{.channel = data.substr(0, comma), .text = data.substr(comma + 1)};
    if (beginsLikeText(event.text) && is_wanted(event.channel)) found = event;
  }
  return found;
}

}  // namespace strata::internal
