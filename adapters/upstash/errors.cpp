#include "adapters/upstash/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace strata::internal {
namespace {

using absl::StatusCode;

struct Row {
  // The first word of an error, or its beginning where that is "ERR".
  std::string_view beginning;
  StatusCode code;
  // For people. Never from the server's own text, which may quote arguments.
  std::string_view meaning;
};

constexpr std::array<Row, 26> kTable{{
    // The service cannot execute anything now.
    {"READONLY", StatusCode::kUnavailable, "a replica was asked to write"},
    {"NOREPLICAS", StatusCode::kUnavailable, "the leader lost its replicas"},
    {"LOADING", StatusCode::kUnavailable, "the database is being loaded"},
    {"MASTERDOWN", StatusCode::kUnavailable, "a replica lost its leader"},
    {"CLUSTERDOWN", StatusCode::kUnavailable, "the cluster is down"},
    {"TRYAGAIN", StatusCode::kUnavailable, "the keys are moving"},
    {"BUSY", StatusCode::kUnavailable, "the server is busy with a script"},
    {"UNKILLABLE", StatusCode::kUnavailable, "the server is busy with a script"},
    {"ERR max concurrent connections", StatusCode::kUnavailable, "there are too many connections"},
    {"ERR max number of clients", StatusCode::kUnavailable, "there are too many connections"},
    // Nothing can be stored now, or not this.
    {"OOM", StatusCode::kResourceExhausted, "the server is out of memory"},
    {"MISCONF", StatusCode::kResourceExhausted, "the server cannot save, and so does not write"},
    {"ERR DB capacity quota", StatusCode::kResourceExhausted, "the database is full"},
    {"ERR max requests limit", StatusCode::kResourceExhausted, "the quota of requests is used up"},
    {"ERR max daily request limit", StatusCode::kResourceExhausted,
     "the daily quota of requests is used up"},
    {"ERR max request size", StatusCode::kResourceExhausted, "the request is too large"},
    {"ERR max single record size", StatusCode::kResourceExhausted, "the value is too large"},
    {"ERR max key size", StatusCode::kResourceExhausted, "a key is too large"},
    // Who we are, and what we may do.
    {"WRONGPASS", StatusCode::kPermissionDenied, "the token is wrong"},
    {"NOAUTH", StatusCode::kPermissionDenied, "the token is missing"},
    {"Unauthorized", StatusCode::kPermissionDenied, "the token is wrong"},
    {"NOPERM", StatusCode::kPermissionDenied, "the token does not allow the command"},
    {"DENIED", StatusCode::kPermissionDenied, "the server refuses us"},
    // The rest.
    {"WRONGTYPE", StatusCode::kInternal, "something else than a text is stored there"},
    {"NOSCRIPT", StatusCode::kInternal, "the server does not know the script"},
    {"ERR unknown command", StatusCode::kFailedPrecondition, "the server lacks the command"},
}};

// Redis before 7.0 wraps what a command inside a script answered:
// "ERR Error running script (call to f_…): @user_script:1: -OOM command not allowed …".
std::string_view unwrapped(std::string_view text) {
  if (!text.starts_with("ERR Error running script")) return text;
  const std::size_t at = text.rfind(": -");
  return at == std::string_view::npos ? text : text.substr(at + 3);
}

bool matches(std::string_view text, std::string_view beginning) {
  if (!text.starts_with(beginning)) return false;
  constexpr std::string_view kEnds = " .:,'";
  return text.size() == beginning.size() ||
         kEnds.find(text[beginning.size()]) != std::string_view::npos;
}

// The first word, if it is nothing but a word.
std::string_view kindOf(std::string_view error) {
  const std::string_view word = error.substr(0, error.find(' ')).substr(0, 32);
  const bool is_word = std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  return is_word && !word.empty() ? word : "?";
}

absl::Status rateLimited(absl::Duration retry_after) {
  if (retry_after <= absl::ZeroDuration()) return absl::ResourceExhaustedError("rate limited");
  return absl::ResourceExhaustedError(
      fmt::format("rate limited; the server asks to wait {}", absl::FormatDuration(retry_after)));
}

}  // namespace

absl::Status upstashErrorStatus(std::string_view text) {
  const std::string_view error = unwrapped(text);
  const auto row = std::find_if(kTable.begin(), kTable.end(), [&](const Row& candidate) {
    return matches(error, candidate.beginning);
  });
  const bool known = row != kTable.end();
  return absl::Status(
      known ? row->code : StatusCode::kInternal,
      fmt::format("{} ({})", known ? row->meaning : "an error that this version does not know",
                  kindOf(error)));
}

absl::Status upstashHttpStatus(unsigned status, std::string_view error_text,
                               absl::Duration retry_after) {
  const auto told = [&](std::string_view what) {
    return fmt::format("{} (HTTP {})", what, status);
  };
  if (status == 429) return rateLimited(retry_after);
  if (status == 401 || status == 403) {
    return absl::PermissionDeniedError(told("the token is refused"));
  }
  if (status == 413) return absl::ResourceExhaustedError(told("the request is too large"));
  if (status == 408) return absl::UnavailableError(told("the server gave up waiting"));
  if (status >= 500) return absl::UnavailableError(told("the server failed"));
  if (status == 400 && !error_text.empty()) return upstashErrorStatus(error_text);
  // Redirects are not followed: they would take the token to another host.
  if ((status >= 300 && status < 400) || status == 404 || status == 405) {
    return absl::FailedPreconditionError(told("no REST API is at this URL"));
  }
  return absl::InternalError(told("an answer that this version does not know"));
}

}  // namespace strata::internal
