#include "src/base/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace strata::internal {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

// Longer than any parameter of a tool that we know.
constexpr std::size_t kLongestName = 40;

bool isIdentifier(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

}  // namespace

std::optional<std::string_view> cutAt(std::string_view& text, char delimiter) {
  const std::size_t at = text.find(delimiter);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + 1);
  text = text.substr(0, at);
  return rest;
}

std::optional<std::string> percentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const std::string_view hex = text.substr(i + 1, 2);
    std::uint8_t byte = 0;
    const auto [stopped, error] = std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16);
    const bool is_hex = hex.size() == 2 && error == std::errc() && stopped == hex.data() + 2;
    if (!is_hex || byte == 0) return std::nullopt;
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  return decoded;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

std::string unknownParameter(std::string_view name, std::string_view query,
                             absl::Span<const ForeignName> foreign) {
  if (!isIdentifier(name) || query.find('@') != std::string_view::npos) {
    return "a parameter is unknown (in a URL, percent-encode a '?' or '&' of the password)";
  }
  const auto known = std::find_if(foreign.begin(), foreign.end(),
                                  [&](const ForeignName& one) { return one.name == name; });
  if (known != foreign.end()) {
    return fmt::format("the parameter \"{}\" is another tool's: {}", name, known->advice);
  }
  return fmt::format("the parameter \"{}\" is unknown: remove it", name);
}

std::string foreignScheme(std::string_view url, absl::Span<const ForeignName> foreign) {
  std::string_view scheme = url;
  if (!cutAt(scheme, ':') || !isIdentifier(scheme.substr(0, scheme.find('+')))) return {};
  const auto known = std::find_if(foreign.begin(), foreign.end(), [&](const ForeignName& one) {
    return one.name.ends_with('+') ? scheme.starts_with(one.name) : scheme == one.name;
  });
  if (known == foreign.end()) return {};
  return fmt::format("it begins with \"{}{}\", as for another tool: {}", known->name,
                     known->name.ends_with('+') ? "" : ":", known->advice);
}

}  // namespace strata::internal
