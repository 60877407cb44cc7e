#include "adapters/redis/client/url.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "src/base/url.h"

namespace strata::internal {
namespace {

absl::Status wrong(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("redis URL: {}", what));
}

template <typename Integer>
std::optional<Integer> parseNumber(std::string_view digits) {
  Integer number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

absl::Status parseUserInfo(std::string_view user, RedisLogin& login) {
  const std::optional<std::string_view> password = cutAt(user, ':');
  const auto decoded_user = percentDecoded(user);
  const auto decoded_password = percentDecoded(password.value_or(""));
  if (!decoded_user || !decoded_password) {
    return wrong("the user or the password holds a '%' that is not followed by two hex digits");
  }
  login.user = *decoded_user;
  login.password = *decoded_password;
  return absl::OkStatus();
}

bool isHost(std::string_view host, std::string_view punctuation) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [&](char c) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || punctuation.find(c) != std::string_view::npos;
  });
}

absl::Status parseHostAndPort(std::string_view text, RedisAddress& address) {
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
  address.host = host;
  if (!port || port->empty()) return absl::OkStatus();
  const auto number = parseNumber<std::uint16_t>(*port);
  if (!number || *number == 0) return wrong("the port is not a number from 1 to 65535");
  address.port = *number;
  return absl::OkStatus();
}

absl::Status parseHosts(std::string_view text, std::uint16_t default_port,
                        std::vector<RedisAddress>& addresses) {
  for (std::optional<std::string_view> rest = text; rest;) {
    std::string_view one = *rest;
    rest = cutAt(one, ',');
    RedisAddress address{.host = {}, .port = default_port, .socket_path = {}};
    if (absl::Status parsed = parseHostAndPort(one, address); !parsed.ok()) return parsed;
    addresses.push_back(std::move(address));
  }
  return absl::OkStatus();
}

absl::Status parseDatabase(std::string_view digits, RedisLogin& login) {
  const auto number = parseNumber<int>(digits);
  if (!number || *number < 0) return wrong("the database is not a number from 0 up");
  login.database = *number;
  return absl::OkStatus();
}

absl::Status parseSocketPath(std::string_view path, RedisDeployment& deployment) {
  const auto decoded = percentDecoded(path);
  if (!decoded) return wrong("the path holds a '%' that is not followed by two hex digits");
  if (decoded->size() < 2) return wrong("it names no socket, as in unix:///run/redis.sock");
  if (decoded->size() >= sizeof(sockaddr_un::sun_path)) return wrong("the path is too long");
  deployment.addresses.push_back({.host = {}, .port = 0, .socket_path = *decoded});
  return absl::OkStatus();
}

constexpr std::pair<std::string_view, std::string TlsOptions::*> kTlsParameters[] = {
    {"ca_file", &TlsOptions::ca_file},
    {"certificate_file", &TlsOptions::certificate_file},
    {"private_key_file", &TlsOptions::private_key_file},
};

constexpr std::pair<std::string_view, std::optional<absl::Duration> RedisDeployment::*>
    kTimeouts[] = {
        {"connect_timeout", &RedisDeployment::connect_timeout},
        {"command_timeout", &RedisDeployment::command_timeout},
};

constexpr std::string_view kTlsAdvice =
    "the scheme rediss:// asks for TLS, and ?ca_file=FILE says whom to trust";
constexpr std::string_view kCommandTimeoutAdvice = "write command_timeout=50ms";
constexpr std::string_view kConnectTimeoutAdvice = "write connect_timeout=100ms";
constexpr std::string_view kLoginAdvice = "write redis://USER:PASSWORD@HOST:PORT/DATABASE";
constexpr std::string_view kSentinelAdvice = "write redis+sentinel://HOST:PORT/NAME-OF-THE-MASTER";
constexpr std::string_view kPoolAdvice =
    "all callers share a few connections; remove it (RedisOptions has max_connections)";

// Parameters of redis-py, ioredis, Lettuce, go-redis, StackExchange.Redis and Celery.
constexpr ForeignName kForeignParameters[] = {
    {"ssl", kTlsAdvice},
    {"tls", kTlsAdvice},
    {"ssl_cert_reqs", kTlsAdvice},
    {"ssl_check_hostname", kTlsAdvice},
    {"skip_verify", kTlsAdvice},
    {"ssl_ca_certs", "write rediss:// and ca_file=FILE"},
    {"ssl_certfile", "write rediss:// and certificate_file=FILE"},
    {"ssl_keyfile", "write rediss:// and private_key_file=FILE"},
    {"ca_file", "it is for TLS, with the scheme rediss://"},
    {"certificate_file", "it is for TLS, with the scheme rediss://"},
    {"private_key_file", "it is for TLS, with the scheme rediss://"},
    {"timeout", kCommandTimeoutAdvice},
    {"socket_timeout", kCommandTimeoutAdvice},
    {"commandTimeout", kCommandTimeoutAdvice},
    {"read_timeout", kCommandTimeoutAdvice},
    {"write_timeout", kCommandTimeoutAdvice},
    {"syncTimeout", kCommandTimeoutAdvice},
    {"socket_connect_timeout", kConnectTimeoutAdvice},
    {"connectTimeout", kConnectTimeoutAdvice},
    {"dial_timeout", kConnectTimeoutAdvice},
    {"database", "write db=N, or the number behind the host"},
    {"user", kLoginAdvice},
    {"username", kLoginAdvice},
    {"password", kLoginAdvice},
    {"sentinelMasterId", kSentinelAdvice},
    {"master_name", kSentinelAdvice},
    {"service_name", kSentinelAdvice},
    {"cluster", "write redis+cluster://HOST:PORT,HOST:PORT"},
    {"addr", "write redis+cluster://HOST:PORT,HOST:PORT"},
    {"max_connections", kPoolAdvice},
    {"pool_size", kPoolAdvice},
    {"protocol", "only RESP2 is spoken; remove it"},
    {"family", "both families of addresses are tried; remove it"},
};

absl::Status parseParameter(std::string_view parameter, std::string_view query,
                            RedisDeployment& deployment) {
  std::string_view name = parameter;
  const auto value = percentDecoded(cutAt(name, '=').value_or(""));
  if (!value || value->empty()) return wrong("a parameter after the '?' has no proper value");
  if (name == "db") return parseDatabase(*value, deployment.login);
  for (const auto& [known, timeout] : kTimeouts) {
    if (name != known) continue;
    absl::Duration duration;
    if (!absl::ParseDuration(*value, &duration)) {
      return wrong("a timeout is no duration, as in command_timeout=50ms or 1.5s");
    }
    deployment.*timeout = duration;
    return absl::OkStatus();
  }
  if (deployment.tls) {
    for (const auto& [known, file] : kTlsParameters) {
      if (name != known) continue;
      deployment.tls_files.*file = *value;
      return absl::OkStatus();
    }
  }
  return wrong(
      fmt::format("{}; known are db, connect_timeout and command_timeout, and with TLS ca_file, "
                  "certificate_file and private_key_file",
                  unknownParameter(name, query, kForeignParameters)));
}

absl::Status parseQuery(std::string_view query, RedisDeployment& deployment) {
  for (std::optional<std::string_view> rest = query; rest;) {
    std::string_view one = *rest;
    rest = cutAt(one, '&');
    if (absl::Status parsed = parseParameter(one, query, deployment); !parsed.ok()) return parsed;
  }
  return absl::OkStatus();
}

// What follows the hosts: "/2", or "/name-of-the-master/2".
absl::Status parsePath(std::string_view path, RedisDeployment& deployment) {
  if (!path.empty()) path.remove_prefix(1);
  if (deployment.kind == RedisDeployment::Kind::kSentinel) {
    const std::optional<std::string_view> database = cutAt(path, '/');
    const auto name = percentDecoded(path);
    if (!name || name->empty()) {
      return wrong("it names no master, as in redis+sentinel://host:26379/name-of-the-master");
    }
    deployment.master_name = *name;
    path = database.value_or("");
  }
  if (path.empty()) return absl::OkStatus();
  if (absl::Status parsed = parseDatabase(path, deployment.login); !parsed.ok()) return parsed;
  if (deployment.kind == RedisDeployment::Kind::kCluster && deployment.login.database != 0) {
    return wrong("a cluster has no databases but 0");
  }
  return absl::OkStatus();
}

constexpr std::string_view kSchemes =
    "it must begin with redis://, rediss://, unix://, redis+sentinel://, rediss+sentinel://, "
    "redis+cluster:// or rediss+cluster://";

constexpr std::string_view kWriteRedis = "write redis://";
constexpr std::string_view kWriteTls = "write rediss://";
constexpr std::string_view kWriteSocket = "write unix:///path/to/redis.sock";

constexpr ForeignName kForeignSchemes[] = {
    {"redis-sentinel", "write redis+sentinel://"},
    {"rediss-sentinel", "write rediss+sentinel://"},
    {"redis-cluster", "write redis+cluster://"},
    {"rediss-cluster", "write rediss+cluster://"},
    {"redis+srv", "write the host and port of each server: redis://HOST:PORT,HOST:PORT"},
    {"tls", kWriteTls},
    {"redis+tls", kWriteTls},
    {"redis+ssl", kWriteTls},
    {"ssl", kWriteTls},
    {"valkeys", kWriteTls},
    {"tcp", kWriteRedis},
    {"redis+tcp", kWriteRedis},
    {"valkey", kWriteRedis},
    {"keydb", kWriteRedis},
    {"dragonfly", kWriteRedis},
    {"redis-socket", kWriteSocket},
    {"redis+socket", kWriteSocket},
    {"redis+unix", kWriteSocket},
    {"unix+redis", kWriteSocket},
};

// Takes "redis+sentinel" apart.
absl::Status parseScheme(std::string_view scheme, RedisDeployment& deployment) {
  if (scheme == "unix") return absl::OkStatus();
  const std::string_view topology = cutAt(scheme, '+').value_or("");
  if (scheme != "redis" && scheme != "rediss") return wrong(kSchemes);
  deployment.tls = scheme == "rediss";
  if (topology == "sentinel") {
    deployment.kind = RedisDeployment::Kind::kSentinel;
  } else if (topology == "cluster") {
    deployment.kind = RedisDeployment::Kind::kCluster;
  } else if (!topology.empty()) {
    return wrong(kSchemes);
  }
  return absl::OkStatus();
}

constexpr std::uint16_t kRedisPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;

}  // namespace

std::string RedisAddress::describe() const {
  if (host.empty()) return socket_path;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string RedisDeployment::describe() const {
  std::string text;
  for (const RedisAddress& address : addresses) {
    if (!text.empty()) text += ',';
    text += address.describe();
  }
  return text;
}

absl::StatusOr<RedisDeployment> parseRedisUrl(const Secret& url) {
  const std::string_view text = url.reveal();
  if (trimmed(text) != text) return wrong(kOuterWhiteSpace);
  if (const std::string foreign = foreignScheme(text, kForeignSchemes); !foreign.empty()) {
    return wrong(foreign);
  }
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return wrong(kSchemes);
  std::string scheme(text.substr(0, scheme_end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  RedisDeployment deployment;
  if (absl::Status known = parseScheme(scheme, deployment); !known.ok()) return known;

  std::string_view path = text.substr(scheme_end + 3);
  if (path.find('#') != std::string_view::npos) {
    return wrong("it holds a '#' (in a password that is %23)");
  }
  if (const auto query = cutAt(path, '?')) {
    if (absl::Status parsed = parseQuery(*query, deployment); !parsed.ok()) return parsed;
  }
  std::string_view authority = path.substr(0, path.find('/'));
  path.remove_prefix(authority.size());
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    absl::Status parsed = parseUserInfo(authority.substr(0, at), deployment.login);
    if (!parsed.ok()) return parsed;
    authority.remove_prefix(at + 1);
  }
  absl::Status parsed;
  if (scheme == "unix") {
    if (!authority.empty()) return wrong("a Unix socket has no host, as in unix:///run/redis.sock");
    parsed = parseSocketPath(path, deployment);
  } else {
    const bool sentinels = deployment.kind == RedisDeployment::Kind::kSentinel;
    parsed = parseHosts(authority, sentinels ? kSentinelPort : kRedisPort, deployment.addresses);
    if (parsed.ok()) parsed = parsePath(path, deployment);
  }
  if (!parsed.ok()) return parsed;
  return deployment;
}

}  // namespace strata::internal
