#include "adapters/redis_dialect/errors.h"

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
  RedisError error;
};

constexpr bool kRetire = true;

constexpr std::array<Row, 25> kTable{{
    // The server cannot serve now. Each is counted as a failure by whoever calls.
    {"READONLY", {StatusCode::kUnavailable, "the server is a replica", kRetire}},
    {"NOREPLICAS", {StatusCode::kUnavailable, "the master lost its replicas", kRetire}},
    {"LOADING", {StatusCode::kUnavailable, "the server is loading its data", kRetire}},
    {"MASTERDOWN", {StatusCode::kUnavailable, "a replica lost its master", kRetire}},
    {"CLUSTERDOWN", {StatusCode::kUnavailable, "the cluster is down", kRetire}},
    {"MOVED", {StatusCode::kUnavailable, "the key is on another node of a cluster"}},
    {"ASK", {StatusCode::kUnavailable, "the key is moving to another node of a cluster"}},
    {"TRYAGAIN", {StatusCode::kUnavailable, "the keys are moving to another node of a cluster"}},
    {"CROSSSLOT", {StatusCode::kUnavailable, "the keys are on several nodes of a cluster"}},
    {"BUSY", {StatusCode::kUnavailable, "the server is busy with a script"}},
    {"UNKILLABLE", {StatusCode::kUnavailable, "the server is busy with a script"}},
    {"ERR max number of clients",
     {StatusCode::kUnavailable, "the server has too many clients", kRetire}},
    // Nothing can be stored now.
    {"OOM",
     {.code = StatusCode::kResourceExhausted,
      .meaning = "the server is out of memory",
      .only_reads = true}},
    {"MISCONF",
     {.code = StatusCode::kResourceExhausted,
      .meaning = "the server cannot save, and so does not write",
      .only_reads = true}},
    // Who we are, and what we may do.
    {"NOAUTH", {StatusCode::kPermissionDenied, "the server asks for a password", kRetire}},
    {"WRONGPASS", {StatusCode::kPermissionDenied, "wrong user or password", kRetire}},
    {"ERR invalid password", {StatusCode::kPermissionDenied, "wrong password", kRetire}},
    {"ERR AUTH",
     {StatusCode::kPermissionDenied, "a password was sent, the server has none", kRetire}},
    {"ERR Client sent AUTH,",
     {StatusCode::kPermissionDenied, "a password was sent, the server has none", kRetire}},
    {"DENIED", {StatusCode::kPermissionDenied, "the server's protected mode refuses us", kRetire}},
    {"NOPERM", {StatusCode::kPermissionDenied, "an ACL of the server forbids the command"}},
    // The rest.
    {"ERR DB index",
     {StatusCode::kFailedPrecondition, "the server has no database of this number", kRetire}},
    {"ERR invalid DB index",
     {StatusCode::kFailedPrecondition, "the server has no database of this number", kRetire}},
    {"NOSCRIPT",
     {.code = StatusCode::kInternal,
      .meaning = "the server does not know the script",
      .no_script = true}},
    {"WRONGTYPE", {StatusCode::kInternal, "something else than a text is stored there"}},
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
  return text.size() == beginning.size() || text[beginning.size()] == ' ';
}

}  // namespace

RedisError classifyRedisError(std::string_view text) {
  const std::string_view error = unwrapped(text);
  const auto row = std::find_if(kTable.begin(), kTable.end(), [&](const Row& candidate) {
    return matches(error, candidate.beginning);
  });
  if (row != kTable.end()) return row->error;
  return {StatusCode::kInternal, "an error that this version does not know"};
}

absl::Status redisErrorStatus(std::string_view text) {
  const std::string_view error = unwrapped(text);
  const std::string_view word = error.substr(0, error.find(' ')).substr(0, 32);
  const bool is_word = std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  const RedisError known = classifyRedisError(text);
  return absl::Status(known.code, fmt::format("{} ({})", known.meaning, is_word ? word : "?"));
}

}  // namespace strata::internal
