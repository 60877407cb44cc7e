#include "adapters/redis_dialect/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "absl/types/span.h"

namespace strata::internal {
namespace {

using absl::StatusCode;

struct Row {
  // The first word of an error, or its beginning where that is "ERR".
  std::string_view beginning;
  RedisError error;
};

constexpr bool kRetire = true;
constexpr std::string_view kForbidden = "an ACL of the server forbids the command";
constexpr std::string_view kNoCommand = "the server does not know the command";
constexpr std::string_view kProxyAlone = "the proxy does not reach the server";

// Errors that mean the same from both.
constexpr std::array<Row, 13> kCommon{{
    // The server cannot serve now. Each counts as a failure.
    {"READONLY", {StatusCode::kUnavailable, "the server is a replica", kRetire}},
    {"NOREPLICAS", {StatusCode::kUnavailable, "the master lost its replicas", kRetire}},
    {"LOADING", {StatusCode::kUnavailable, "the server is loading its data", kRetire}},
    {"MASTERDOWN", {StatusCode::kUnavailable, "a replica lost its master", kRetire}},
    {"CLUSTERDOWN",
     {.code = StatusCode::kUnavailable,
      .meaning = "the cluster is down",
      .retire = true,
      .of_cluster = true}},
    {"TRYAGAIN", {StatusCode::kUnavailable, "the keys are moving to another node of a cluster"}},
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
    // The rest.
    {"NOSCRIPT",
     {.code = StatusCode::kInternal,
      .meaning = "the server does not know the script",
      .no_script = true}},
    {"WRONGTYPE", {StatusCode::kInternal, "something else than a text is stored there"}},
}};

constexpr std::array<Row, 26> kOfServers{{
    {"MOVED",
     {.code = StatusCode::kUnavailable,
      .meaning = "the key is on another node of a cluster",
      .of_cluster = true}},
    {"ASK",
     {.code = StatusCode::kUnavailable,
      .meaning = "the key is moving to another node of a cluster",
      .of_cluster = true}},
    {"CROSSSLOT",
     {.code = StatusCode::kUnavailable,
      .meaning = "the keys are on several nodes of a cluster",
      .of_cluster = true}},
    // A proxy that does not reach its server: twemproxy quotes the system, Envoy itself.
    {"ERR Connection refused", {StatusCode::kUnavailable, kProxyAlone}},
    {"ERR Connection reset by peer", {StatusCode::kUnavailable, kProxyAlone}},
    {"ERR Connection timed out", {StatusCode::kUnavailable, kProxyAlone}},
    {"ERR Host is down", {StatusCode::kUnavailable, kProxyAlone}},
    {"ERR No route to host", {StatusCode::kUnavailable, kProxyAlone}},
    {"upstream failure", {StatusCode::kUnavailable, kProxyAlone}},
    {"no upstream host", {StatusCode::kUnavailable, kProxyAlone}},
    // A command that was renamed, or that a proxy or a work-alike does not have.
    {"ERR unknown command", {StatusCode::kFailedPrecondition, kNoCommand}},
    {"ERR Unknown Redis command", {StatusCode::kFailedPrecondition, kNoCommand}},
    {"Unknown Redis command", {StatusCode::kFailedPrecondition, kNoCommand}},
    {"unsupported command", {StatusCode::kFailedPrecondition, kNoCommand}},
    // Authentication and permissions.
    {"NOAUTH", {StatusCode::kPermissionDenied, "the server asks for a password", kRetire}},
    {"WRONGPASS", {StatusCode::kPermissionDenied, "wrong user or password", kRetire}},
    {"ERR invalid password", {StatusCode::kPermissionDenied, "wrong password", kRetire}},
    {"ERR AUTH",
     {StatusCode::kPermissionDenied, "a password was sent, the server has none", kRetire}},
    {"ERR Client sent AUTH,",
     {StatusCode::kPermissionDenied, "a password was sent, the server has none", kRetire}},
    {"DENIED", {StatusCode::kPermissionDenied, "the server's protected mode refuses us", kRetire}},
    {"NOPERM", {StatusCode::kPermissionDenied, kForbidden}},
    // Inside a script: from 7.2 on, in 7.0, and before.
    {"ERR ACL failure in script", {StatusCode::kPermissionDenied, kForbidden}},
    {"ERR The user executing the script", {StatusCode::kPermissionDenied, kForbidden}},
    {"The user executing the script", {StatusCode::kPermissionDenied, kForbidden}},
    {"ERR DB index",
     {StatusCode::kFailedPrecondition, "the server has no database of this number", kRetire}},
    {"ERR invalid DB index",
     {StatusCode::kFailedPrecondition, "the server has no database of this number", kRetire}},
}};

constexpr std::array<Row, 13> kOfRestServices{{
    {"ERR max concurrent connections",
     {StatusCode::kUnavailable, "there are too many connections"}},
    // The quotas of a plan.
    {"ERR DB capacity quota", {StatusCode::kResourceExhausted, "the database is full"}},
    {"ERR max requests limit",
     {StatusCode::kResourceExhausted, "the quota of requests is used up"}},
    {"ERR max daily request limit",
     {StatusCode::kResourceExhausted, "the daily quota of requests is used up"}},
    {"ERR max request size", {StatusCode::kResourceExhausted, "the request is too large"}},
    {"ERR max single record size", {StatusCode::kResourceExhausted, "the value is too large"}},
    {"ERR max key size", {StatusCode::kResourceExhausted, "a key is too large"}},
    // Authentication and permissions.
    {"WRONGPASS", {StatusCode::kPermissionDenied, "the token is wrong"}},
    {"NOAUTH", {StatusCode::kPermissionDenied, "the token is missing"}},
    {"Unauthorized", {StatusCode::kPermissionDenied, "the token is wrong"}},
    {"NOPERM", {StatusCode::kPermissionDenied, "the token does not allow the command"}},
    {"DENIED", {StatusCode::kPermissionDenied, "the server refuses us"}},
    // A service knows some of the commands only.
    {"ERR unknown command", {StatusCode::kFailedPrecondition, "the server lacks the command"}},
}};

// Redis before 7.0 wraps what a command inside a script answered, or why it could not be called:
// "ERR Error running script (call to f_…): @user_script:1: -OOM command not allowed …",
// "… @user_script: 1: Unknown Redis command called from Lua script".
std::string_view unwrapped(std::string_view text) {
  if (!text.starts_with("ERR Error running script")) return text;
  const std::size_t answer = text.rfind(": -");
  if (answer != std::string_view::npos) return text.substr(answer + 3);
  const std::size_t why = text.rfind(": ");
  return why == std::string_view::npos ? text : text.substr(why + 2);
}

bool matches(std::string_view text, std::string_view beginning) {
  if (!text.starts_with(beginning)) return false;
  constexpr std::string_view kEnds = " .:,'";
  return text.size() == beginning.size() ||
         kEnds.find(text[beginning.size()]) != std::string_view::npos;
}

const Row* rowOf(absl::Span<const Row> table, std::string_view error) {
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const Row& at) { return matches(error, at.beginning); });
  return row == table.end() ? nullptr : &*row;
}

constexpr RedisError kNameForbidden{
    .code = StatusCode::kPermissionDenied,
    .meaning = "an ACL of the server forbids the key or the channel",
    .forbids_name = true};

// "NOPERM this user has no permissions to access one of the keys used as arguments", from 7.2 on
// "No permissions to access a key", inside a script "can't access at least one of the keys"; of a
// channel in the same words; of a command, "to run the 'get' command".
bool forbidsName(std::string_view error) {
  return error.find("permissions to access") != std::string_view::npos ||
         error.find("can't access") != std::string_view::npos;
}

// The first word, if it is nothing but a word.
std::string_view kindOf(std::string_view error) {
  const std::string_view word = error.substr(0, error.find(' ')).substr(0, 32);
  const bool is_word = std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  return is_word && !word.empty() ? word : "?";
}

}  // namespace

RedisError classifyRedisError(std::string_view text, RedisSpeaker speaker) {
  const std::string_view error = unwrapped(text);
  const Row* row = rowOf(kCommon, error);
  if (row == nullptr) {
    row =
        speaker == RedisSpeaker::kServer ? rowOf(kOfServers, error) : rowOf(kOfRestServices, error);
  }
  if (row == nullptr) return {StatusCode::kInternal, "an error that this version does not know"};
  const bool is_acl = row->error.meaning == kForbidden;
  return is_acl && forbidsName(error) ? kNameForbidden : row->error;
}

absl::Status redisErrorStatus(std::string_view text, RedisSpeaker speaker) {
  const RedisError known = classifyRedisError(text, speaker);
  return absl::Status(known.code, fmt::format("{} ({})", known.meaning, kindOf(unwrapped(text))));
}

}  // namespace strata::internal
