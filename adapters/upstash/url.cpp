#include "adapters/upstash/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "src/base/url.h"

namespace strata::internal {
namespace {

// Of a URL and of a token; a header has to hold it.
constexpr std::size_t kMaxLength = 4096;

absl::Status wrong(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("upstash URL: {}", what));
}

bool isVisible(char c) { return c > ' ' && c < '\x7f'; }

constexpr std::string_view kOfNames =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
constexpr std::string_view kOfIpv6 = "0123456789abcdefABCDEF:.";

bool isMadeOf(std::string_view alphabet, std::string_view host) {
  return !host.empty() && host.find_first_not_of(alphabet) == std::string_view::npos;
}

bool isThisHost(std::string_view host) {
  const bool is_of_127 = host.starts_with("127.") && isMadeOf("0123456789.", host);
  return is_of_127 || host == "localhost" || host == "::1";
}

// Cuts `prefix` off the front of `text` if it is there.
bool consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

constexpr std::string_view kTokenAdvice = "the token is an option of its own";
constexpr ForeignName kForeignParameters[] = {
    {"_token", kTokenAdvice}, {"token", kTokenAdvice}, {"password", kTokenAdvice}};

// What a URL has after a '?' or '#'. A token may stand there, so a parameter is named only if it has
// a value and a name of lower-case letters.
absl::Status extraPart(std::string_view text) {
  constexpr std::string_view kNone = "it must have no query and no fragment";
  const std::string_view query = cutAt(text, '?').value_or("");
  std::string_view name = query;
  const bool has_value = cutAt(name, '=').has_value();
  if (!has_value || !isMadeOf("abcdefghijklmnopqrstuvwxyz_", name)) return wrong(kNone);
  return wrong(fmt::format("{}; {}", kNone, unknownParameter(name, query, kForeignParameters)));
}

absl::Status parsePort(std::string_view digits, std::uint16_t& port) {
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, port);
  if (error == std::errc() && stopped == end && port != 0) return absl::OkStatus();
  return wrong("the port is not a number from 1 to 65535");
}

absl::Status parseAuthority(std::string_view text, UpstashEndpoint& endpoint) {
  std::string_view host = text.substr(0, text.find(':'));
  std::string_view alphabet = kOfNames;
  std::string_view rest = text.substr(host.size());
  if (consume(text, "[")) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("an IPv6 address lacks its ']'");
    host = text.substr(0, end);
    alphabet = kOfIpv6;
    rest = text.substr(end + 1);
  }
  if (!isMadeOf(alphabet, host)) return wrong("it names no host");
  endpoint.host = host;
  if (rest.empty()) return absl::OkStatus();
  if (!consume(rest, ":")) return wrong("something stands after the ']'");
  return parsePort(rest, endpoint.port);
}

}  // namespace

std::string UpstashEndpoint::describe() const { return fmt::format("{}:{}", host, port); }

std::string UpstashEndpoint::hostHeader() const {
  const std::string name = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  const bool usual = port == (encrypted ? 443 : 80);
  return usual ? name : fmt::format("{}:{}", name, port);
}

absl::StatusOr<UpstashEndpoint> parseUpstashUrl(const Secret& url) {
  std::string_view rest = url.reveal();
  if (trimmed(rest) != rest) return wrong(kOuterWhiteSpace);
  UpstashEndpoint endpoint;
  endpoint.encrypted = consume(rest, "https://");
  if (!endpoint.encrypted && !consume(rest, "http://")) return wrong("it must begin with https://");
  if (!endpoint.encrypted) endpoint.port = 80;
  if (rest.size() > kMaxLength) return wrong("it is too long");
  if (!std::all_of(rest.begin(), rest.end(), isVisible)) {
    return wrong("it holds white space, or a character that is not ASCII");
  }
  if (rest.find_first_of("?#") != std::string_view::npos) return extraPart(rest);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  endpoint.path = rest.substr(slash);
  while (endpoint.path.ends_with('/')) endpoint.path.pop_back();
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) {
    return wrong("it holds credentials; the token is an option of its own");
  }
  if (absl::Status parsed = parseAuthority(authority, endpoint); !parsed.ok()) return parsed;
  if (!endpoint.encrypted && !isThisHost(endpoint.host)) {
    return wrong("http:// is for this host alone: the token would be sent in the clear");
  }
  return endpoint;
}

absl::Status checkUpstashToken(const Secret& token) {
  const std::string& text = token.reveal();
  if (text.empty()) return absl::InvalidArgumentError("upstash: there is no token");
  if (text.size() > kMaxLength) return absl::InvalidArgumentError("upstash: the token is too long");
  if (std::all_of(text.begin(), text.end(), isVisible)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "upstash: the token holds white space, or a character that is not ASCII");
}

}  // namespace strata::internal
