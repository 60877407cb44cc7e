#include "adapters/postgres/conninfo.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>

#include "absl/strings/numbers.h"
#include "adapters/postgres/sqlstate.h"

namespace strata::postgres {
namespace {

constexpr std::string_view kForm =
    "postgresql://user:password@host:port/name, or key=value pairs; "
    "percent-encode special characters in the password of a URL";

using Settings = std::map<std::string, std::string>;

// libpq's own message is dropped: it quotes the part that it could not read.
absl::StatusOr<Settings> parse(const Secret& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.reveal().c_str(), &error), &PQconninfoFree);
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

std::string quotedSetting(std::string_view value) {
  std::string quoted = "'";
  for (char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '\'';
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

constexpr Cause kCauses[] = {
    {"no password supplied", absl::StatusCode::kPermissionDenied, "a password is needed"},
    {"Connection refused", absl::StatusCode::kUnavailable, "connection refused"},
    {"timeout expired", absl::StatusCode::kUnavailable, "no answer in time"},
    {"could not translate host name", absl::StatusCode::kUnavailable, "unknown host name"},
    {"No such file or directory", absl::StatusCode::kUnavailable, "no such socket"},
    {"certificate", absl::StatusCode::kUnavailable, "the server's certificate was not accepted"},
    {"SSL", absl::StatusCode::kUnavailable, "TLS was not agreed on"},
    {"No route to host", absl::StatusCode::kUnavailable, "no route to the host"},
    {"Network is unreachable", absl::StatusCode::kUnavailable, "network is unreachable"},
    {"closed the connection", absl::StatusCode::kUnavailable, "the server hung up"},
    {"invalid", absl::StatusCode::kInvalidArgument, "a setting in the URL is not valid"},
};

// libpq counts in whole seconds, takes 1 for 2, and 0 or less for no limit. What is no number it
// refuses as it connects.
absl::Duration readConnectTimeout(const std::string& text) {
  int seconds = 0;
  if (!absl::SimpleAtoi(text, &seconds) || seconds <= 0) return absl::Hours(24);
  return absl::Seconds(std::max(seconds, 2));
}

}  // namespace

absl::StatusOr<ConnInfo> readConnInfo(const Secret& url, absl::Duration connect_timeout) {
  if (url.empty()) {
    return absl::InvalidArgumentError(fmt::format("no database URL; it looks like {}", kForm));
  }
  absl::StatusOr<Settings> settings = parse(url);
  if (!settings.ok()) return settings.status();
  if (absl::Status status = checkHost(*settings); !status.ok()) return status;
  const auto seconds = absl::ToInt64Seconds(absl::Ceil(connect_timeout, absl::Seconds(1)));
  settings->emplace("connect_timeout", std::to_string(seconds));
  settings->emplace("fallback_application_name", "strata");
  std::string text;
  for (const auto& [key, value] : *settings) {
    text += fmt::format("{}={} ", key, quotedSetting(value));
  }
  return ConnInfo{.text = text,
                  .place = describePlace(*settings),
                  .connect_timeout = readConnectTimeout(settings->at("connect_timeout"))};
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
  return absl::Status(cause->code, fmt::format("{}: {}", what, cause->reason));
}

}  // namespace strata::postgres
