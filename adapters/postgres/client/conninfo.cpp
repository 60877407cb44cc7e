#include "adapters/postgres/client/conninfo.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "adapters/postgres/client/sqlstate.h"
#include "adapters/postgres/client/url_parameters.h"
#include "src/base/url.h"
#include "strata/base/backend_error.h"
#include "strata/base/logging.h"

namespace strata::postgres {
namespace {

constexpr std::string_view kForm =
    "postgresql://user:password@host:port/name, or key=value pairs; "
    "percent-encode special characters in the password of a URL";

using Settings = std::map<std::string, std::string>;
using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

constexpr std::string_view kSchemeAdvice = "write postgresql://user:password@host:port/name";
constexpr internal::ForeignName kForeignSchemes[] = {
    {"postgresql+", kSchemeAdvice},  // SQLAlchemy's: +psycopg2, +asyncpg
    {"postgres+", kSchemeAdvice},
    {"jdbc", kSchemeAdvice},
    {"r2dbc", kSchemeAdvice},
    {"pgsql", kSchemeAdvice},
    {"psql", kSchemeAdvice},
    {"pgx", kSchemeAdvice},
    {"postgis", kSchemeAdvice},
    {"cockroachdb", kSchemeAdvice},
    {"prisma", "write the postgresql:// URL of the database itself"},
    {"prisma+", "write the postgresql:// URL of the database itself"},
};

absl::Status checkForm(std::string_view url) {
  const bool is_url = url.starts_with("postgresql://") || url.starts_with("postgres://");
  if (is_url && internal::trimmed(url) != url) {
    return absl::InvalidArgumentError(
        fmt::format("the database URL {}", internal::kOuterWhiteSpace));
  }
  const std::string foreign = is_url ? "" : internal::foreignScheme(url, kForeignSchemes);
  if (foreign.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("the database URL: {}", foreign));
}

// libpq's own message is dropped: it quotes the part that it could not read.
absl::StatusOr<Settings> parse(const Secret& url) {
  char* error = nullptr;
  const Options options(PQconninfoParse(url.reveal().c_str(), &error), &PQconninfoFree);
  PQfreemem(error);
  if (options == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("the database URL cannot be read; it looks like {}", kForm));
  }
  Settings settings;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) settings.emplace(option->keyword, option->val);
  }
  return settings;
}

// Whether a text looks like a name or an address, so that it may be printed.
bool isPlain(std::string_view text) {
  static constexpr std::string_view kPunctuation = "._-/:,";
  return std::ranges::all_of(text, [](char c) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || kPunctuation.find(c) != std::string_view::npos;
  });
}

std::string describePlace(const Settings& settings) {
  std::string place;
  for (std::string_view key : {"host", "hostaddr", "port", "dbname", "user"}) {
    const auto setting = settings.find(std::string(key));
    if (setting == settings.end() || !isPlain(setting->second)) continue;
    // Behind the ':' of a password that was not encoded.
    if (key == "port" && setting->second.find_first_not_of("0123456789,") != std::string::npos) {
      continue;
    }
    place += fmt::format("{}{} {}", place.empty() ? "" : ", ", key == "dbname" ? "database" : key,
                         setting->second);
  }
  return place.empty() ? "the default place" : place;
}

// What libpq will use, which the environment may say where the connection string does not.
std::string effective(const Settings& settings, const std::string& key) {
  if (const auto setting = settings.find(key); setting != settings.end()) return setting->second;
  const Options defaults(PQconndefaults(), &PQconninfoFree);
  const PQconninfoOption* option = defaults.get();
  while (option != nullptr && option->keyword != nullptr && key != option->keyword) ++option;
  const bool found = option != nullptr && option->keyword != nullptr && option->val != nullptr;
  return found ? option->val : "";
}

bool isThisHost(std::string_view host) {
  const bool is_socket = host.empty() || host.starts_with('/') || host.starts_with('@');
  return is_socket || host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool areAllThisHost(std::string_view hosts) {
  for (std::optional<std::string_view> rest = hosts; rest;) {
    std::string_view one = *rest;
    rest = internal::cutAt(one, ',');
    if (!isThisHost(one)) return false;
  }
  return true;
}

bool mayBePlainText(const Settings& settings) {
  const std::string mode = effective(settings, "sslmode");
  const bool needs_tls = mode == "require" || mode == "verify-ca" || mode == "verify-full";
  if (needs_tls || effective(settings, "gssencmode") == "require") return false;
  return !areAllThisHost(effective(settings, "host")) ||
         !areAllThisHost(effective(settings, "hostaddr"));
}

absl::Status checkHost(const Settings& settings) {
  for (const char* key : {"host", "dbname", "port"}) {
    const auto setting = settings.find(key);
    if (setting == settings.end() || setting->second.find('@') == std::string::npos) continue;
    return absl::InvalidArgumentError(
        fmt::format("the database URL has an '@' in its {}; it looks like {}", key, kForm));
  }
  return absl::OkStatus();
}

struct Cause {
  std::string_view text;  // in libpq's message
  absl::StatusCode code;
  std::string_view reason;
};

constexpr std::string_view kComing = "it is starting, stopping or recovering";
constexpr std::string_view kHungUp = "the server hung up";

// What connectFailure says where another attempt is likely to fare better. A server that hangs up
// goes down, or what stands before it has none to offer at the moment.
constexpr std::string_view kPassing[] = {kStandby,         kComing,          kHungUp,
                                         "SQLSTATE 57P01", "SQLSTATE 57P02", "SQLSTATE 57P03"};

// Of several hosts one may be down and another a standby, which is the one to wait for.
constexpr Cause kCauses[] = {
    {"not in hot standby mode", absl::StatusCode::kUnavailable, "no server is a standby"},
    {"session is not read-only", absl::StatusCode::kUnavailable, "no server is read-only"},
    {"in hot standby mode", absl::StatusCode::kUnavailable, kStandby},
    {"session is read-only", absl::StatusCode::kUnavailable, kStandby},
    {"the database system is", absl::StatusCode::kUnavailable, kComing},
    {"no password supplied", absl::StatusCode::kPermissionDenied, "a password is needed"},
    {"Connection refused", absl::StatusCode::kUnavailable, "connection refused"},
    {"timeout expired", absl::StatusCode::kUnavailable, "no answer in time"},
    {"could not translate host name", absl::StatusCode::kUnavailable, "unknown host name"},
    {"No such file or directory", absl::StatusCode::kUnavailable, "no such socket"},
    {"certificate", absl::StatusCode::kUnavailable, "the server's certificate was not accepted"},
    {"SSL", absl::StatusCode::kUnavailable, "TLS was not agreed on"},
    {"No route to host", absl::StatusCode::kUnavailable, "no route to the host"},
    {"Network is unreachable", absl::StatusCode::kUnavailable, "network is unreachable"},
    {"closed the connection", absl::StatusCode::kUnavailable, kHungUp},
    {"invalid", absl::StatusCode::kInvalidArgument, "a setting in the URL is not valid"},
};

// What the operating system does about a peer that has gone in silence. Its own defaults notice an
// idle connection's after two hours, and that of a statement after a quarter of one: longer than
// any NAT remembers. An idle one is asked after half a minute, often enough to be remembered.
constexpr std::pair<const char*, const char*> kTcpDefaults[] = {
    {"keepalives_idle", "30"},      // s
    {"keepalives_interval", "10"},  // s
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "30000"},  // ms
};

// Strata reads what it has written, so a standby is of no use unless the URL says so.
bool needsPrimary(const Settings& settings) {
  const auto wanted = settings.find("target_session_attrs");
  return wanted == settings.end() || wanted->second == "primary" || wanted->second == "read-write";
}

bool namesSeveralHosts(const Settings& settings) {
  return std::ranges::any_of(std::array{"host", "hostaddr", "port"}, [&](const char* key) {
    const auto setting = settings.find(key);
    return setting != settings.end() && setting->second.find(',') != std::string::npos;
  });
}

// libpq counts in whole seconds, takes 1 for 2, and 0 or less for no limit. What is no number it
// refuses as it connects.
absl::Duration readConnectTimeout(const std::string& text) {
  int seconds = 0;
  if (!absl::SimpleAtoi(text, &seconds) || seconds <= 0) return absl::Hours(24);
  return absl::Seconds(std::max(seconds, 2));
}

absl::Status failureOf(const ConnInfo& info, std::string_view reason) {
  return absl::UnavailableError(
      fmt::format("cannot connect to PostgreSQL ({}): {}", info.place, reason));
}

}  // namespace

std::string quotedSetting(std::string_view value) {
  std::string quoted = "'";
  for (char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '\'';
}

// The later of two settings holds.
ConnInfo ConnInfo::withPassword(const Secret& password) const {
  ConnInfo info = *this;
  info.text = fmt::format("{} password={}", text.reveal(), quotedSetting(password.reveal()));
  return info;
}

absl::StatusOr<ConnInfo> readConnInfo(const Secret& url, absl::Duration connect_timeout) {
  if (url.empty()) {
    return absl::InvalidArgumentError(fmt::format("no database URL; it looks like {}", kForm));
  }
  // libpq reads up to it and ignores the rest.
  if (url.reveal().find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("the database URL holds a NUL byte");
  }
  if (absl::Status status = checkForm(url.reveal()); !status.ok()) return status;
  absl::StatusOr<UrlParameters> parameters = splitParameters(url);
  if (!parameters.ok()) return parameters.status();
  absl::StatusOr<Settings> settings = parse(parameters->libpq);
  if (!settings.ok()) return settings.status();
  if (absl::Status status = checkHost(*settings); !status.ok()) return status;
  const auto seconds = absl::ToInt64Seconds(absl::Ceil(connect_timeout, absl::Seconds(1)));
  settings->emplace("connect_timeout", std::to_string(seconds));
  settings->emplace("fallback_application_name", "strata");
  const bool needs_primary = needsPrimary(*settings);
  // Of one host the connection itself asks what it is: what libpq goes by may be what a pooler
  // remembers of another server.
  if (namesSeveralHosts(*settings)) settings->emplace("target_session_attrs", "primary");
  settings->insert(std::begin(kTcpDefaults), std::end(kTcpDefaults));
  std::string text;
  for (const auto& [key, value] : *settings) {
    text += fmt::format("{}={} ", key, quotedSetting(value));
  }
  return ConnInfo{.text = text,
                  .place = describePlace(*settings),
                  .connect_timeout = readConnectTimeout(settings->at("connect_timeout")),
                  .pool = parameters->pool,
                  .has_password = settings->contains("password"),
                  .may_be_plain_text = mayBePlainText(*settings),
                  .needs_primary = needs_primary};
}

void warnOfPlainText(const ConnInfo& info) {
  if (!info.may_be_plain_text) return;
  log(Severity::kWarning, "strata.postgres.plain_text",
      {{"server", info.place},
       {"why",
        "sslmode of the URL lets the connection go without TLS: set sslmode=require, or "
        "verify-full with sslrootcert"}});
}

absl::Status connectFailure(const ConnInfo& info, std::string_view sqlstate,
                            std::string_view client_message) {
  const std::string what = fmt::format("cannot connect to PostgreSQL ({})", info.place);
  if (!sqlstate.empty()) return toStatus(what, sqlstate, "");
  const auto* cause = std::ranges::find_if(kCauses, [&](const Cause& candidate) {
    return client_message.find(candidate.text) != std::string_view::npos;
  });
  if (cause == std::end(kCauses)) {
    return absl::UnavailableError(fmt::format("{}: no connection", what));
  }
  // "connection": the client library gives no SQLSTATE here.
  return backendError(absl::Status(cause->code, fmt::format("{}: {}", what, cause->reason)),
                      "connection");
}

absl::Status standbyFailure(const ConnInfo& info) { return failureOf(info, kStandby); }

absl::Status endedAtOnce(const ConnInfo& info) { return failureOf(info, kHungUp); }

bool isNotReady(const absl::Status& failure) {
  const std::string_view message(failure.message().data(), failure.message().size());
  return std::ranges::any_of(kPassing, [&](std::string_view reason) {
    return message.find(reason) != std::string_view::npos;
  });
}

}  // namespace strata::postgres
