#include "adapters/redis/redis_url.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace strata::internal {
namespace {

absl::Status wrong(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("redis URL: {}", what));
}

// Cuts `text` at the first `delimiter` and returns what follows it; none when there is no such.
std::optional<std::string_view> cutAt(std::string_view& text, char delimiter) {
  const std::size_t at = text.find(delimiter);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + 1);
  text = text.substr(0, at);
  return rest;
}

template <typename Integer>
std::optional<Integer> parseNumber(std::string_view digits, int base = 10) {
  Integer number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, number, base);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

// None: a '%' without two hex digits after it, or an encoded NUL.
std::optional<std::string> percentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const std::string_view hex = text.substr(i + 1, 2);
    const auto byte = parseNumber<std::uint8_t>(hex, 16);
    if (hex.size() != 2 || !byte || *byte == 0) return std::nullopt;
    decoded.push_back(static_cast<char>(*byte));
    i += 2;
  }
  return decoded;
}

absl::Status parseUserInfo(std::string_view user, RedisEndpoint& endpoint) {
  const std::optional<std::string_view> password = cutAt(user, ':');
  const auto decoded_user = percentDecoded(user);
  const auto decoded_password = percentDecoded(password.value_or(""));
  if (!decoded_user || !decoded_password) {
    return wrong("the user or the password holds a '%' that is not followed by two hex digits");
  }
  endpoint.user = *decoded_user;
  endpoint.password = *decoded_password;
  return absl::OkStatus();
}

bool isHost(std::string_view host, std::string_view punctuation) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [&](char c) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || punctuation.find(c) != std::string_view::npos;
  });
}

absl::Status parseHostAndPort(std::string_view text, RedisEndpoint& endpoint) {
  std::string_view host = text;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    host.remove_prefix(1);
    const std::optional<std::string_view> rest = cutAt(host, ']');
    if (!rest) return wrong("an IPv6 address lacks its ']'");
    if (!rest->empty() && rest->front() != ':') return wrong("something stands after the ']'");
    if (!rest->empty()) port = rest->substr(1);
    if (!isHost(host, ":.")) return wrong("what stands in brackets is no IPv6 address");
  } else {
    port = cutAt(host, ':');
    if (host.empty()) return wrong("it names no host");
    if (!isHost(host, ".-_")) {
      return wrong("the host holds a character that no host name has (percent-encode a password)");
    }
  }
  endpoint.host = host;
  if (!port || port->empty()) return absl::OkStatus();
  const auto number = parseNumber<std::uint16_t>(*port);
  if (!number || *number == 0) return wrong("the port is not a number from 1 to 65535");
  endpoint.port = *number;
  return absl::OkStatus();
}

absl::Status parseDatabase(std::string_view digits, RedisEndpoint& endpoint) {
  const auto number = parseNumber<int>(digits);
  if (!number || *number < 0) return wrong("the database is not a number from 0 up");
  endpoint.database = *number;
  return absl::OkStatus();
}

absl::Status parseQuery(std::string_view query, RedisEndpoint& endpoint) {
  constexpr std::string_view kDatabase = "db=";
  if (!query.starts_with(kDatabase)) return wrong("its query may only be 'db=' and a number");
  return parseDatabase(query.substr(kDatabase.size()), endpoint);
}

absl::Status parseSocketPath(std::string_view path, RedisEndpoint& endpoint) {
  const auto decoded = percentDecoded(path);
  if (!decoded) return wrong("the path holds a '%' that is not followed by two hex digits");
  if (decoded->size() < 2) return wrong("it names no socket, as in unix:///run/redis.sock");
  if (decoded->size() >= sizeof(sockaddr_un::sun_path)) return wrong("the path is too long");
  endpoint.socket_path = *decoded;
  return absl::OkStatus();
}

absl::Status checkScheme(std::string_view scheme) {
  if (scheme == "redis" || scheme == "unix") return absl::OkStatus();
  if (scheme == "rediss" || scheme.starts_with("redis+") || scheme.starts_with("rediss+")) {
    return absl::UnimplementedError(
        "redis URL: TLS, Sentinel and Cluster are not supported by this version; "
        "use redis:// or unix://");
  }
  return wrong("it must begin with redis:// or unix://");
}

}  // namespace

std::string RedisEndpoint::describe() const {
  if (host.empty()) return socket_path;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

absl::StatusOr<RedisEndpoint> parseRedisUrl(const Secret& url) {
  const std::string_view text = url.reveal();
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return wrong("it must begin with redis:// or unix://");
  std::string scheme(text.substr(0, scheme_end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (absl::Status known = checkScheme(scheme); !known.ok()) return known;

  std::string_view path = text.substr(scheme_end + 3);
  if (path.find('#') != std::string_view::npos) {
    return wrong("it holds a '#' (in a password that is %23)");
  }
  RedisEndpoint endpoint;
  if (const auto query = cutAt(path, '?')) {
    if (absl::Status parsed = parseQuery(*query, endpoint); !parsed.ok()) return parsed;
  }
  std::string_view authority = path.substr(0, path.find('/'));
  path.remove_prefix(authority.size());
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    absl::Status parsed = parseUserInfo(authority.substr(0, at), endpoint);
    if (!parsed.ok()) return parsed;
    authority.remove_prefix(at + 1);
  }
  if (scheme == "unix") {
    if (!authority.empty()) return wrong("a Unix socket has no host, as in unix:///run/redis.sock");
    const absl::Status parsed = parseSocketPath(path, endpoint);
    return parsed.ok() ? absl::StatusOr<RedisEndpoint>(endpoint) : parsed;
  }
  if (absl::Status parsed = parseHostAndPort(authority, endpoint); !parsed.ok()) return parsed;
  if (path.size() > 1) {
    absl::Status parsed = parseDatabase(path.substr(1), endpoint);
    if (!parsed.ok()) return parsed;
  }
  return endpoint;
}

}  // namespace strata::internal
