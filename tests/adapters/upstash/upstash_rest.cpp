#include "tests/adapters/upstash/upstash_rest.h"

#include <hiredis/hiredis.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <charconv>
#include <utility>

#include "src/base/utf8.h"

namespace strata::testing {
namespace {

namespace json = boost::json;

using Words = std::vector<std::string>;
using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

// ---- Requests ----

std::string percentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view hex = text.substr(i + 1, 2);
    unsigned char byte = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16);
    const bool is_escape = text[i] == '%' && hex.size() == 2 && end == hex.data() + 2;
    decoded.push_back(is_escape ? static_cast<char>(byte) : text[i]);
    if (is_escape) i += 2;
  }
  return decoded;
}

Words split(std::string_view text, char separator) {
  Words parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(percentDecoded(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string wordOf(const json::value& value) {
  if (const json::string* const text = value.if_string()) return {text->data(), text->size()};
  return json::serialize(value);
}

// Empty: it is not a command.
Words commandOf(const json::value& value) {
  Words words;
  if (const json::array* const array = value.if_array()) {
    for (const json::value& word : *array) words.push_back(wordOf(word));
  }
  return words;
}

// Empty: one of them is none.
std::vector<Words> commandsOf(const std::string& body, bool many) {
  boost::system::error_code error;
  const json::value parsed = json::parse(body, error);
  const json::array* const rows = parsed.if_array();
  std::vector<Words> commands;
  if (error || rows == nullptr) return {};
  if (!many) {
    commands.push_back(commandOf(parsed));
  } else {
    for (const json::value& row : *rows) commands.push_back(commandOf(row));
  }
  const bool good = std::none_of(commands.begin(), commands.end(),
                                 [](const Words& words) { return words.empty(); });
  return good ? commands : std::vector<Words>{};
}

struct Target {
  Words path;
  std::string token;
  Words parameters;  // of the query, but for the token
};

Target parsedTarget(const RestRequest& request) {
  const std::string_view text = request.target;
  const std::size_t question = std::min(text.find('?'), text.size());
  Target target{.path = split(text.substr(1, question - 1), '/')};
  for (const std::string& pair : split(text.substr(std::min(question + 1, text.size())), '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = pair.substr(0, equals);
    const std::string value = pair.substr(std::min(equals + 1, pair.size()));
    if (name == "_token") {
      target.token = value;
      continue;
    }
    target.parameters.push_back(name);
    if (!value.empty()) target.parameters.push_back(value);
  }
  if (request.authorization.starts_with("Bearer ")) target.token = request.authorization.substr(7);
  return target;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

bool onlyReads(const Words& command) {
  constexpr std::array<std::string_view, 7> kReads{"GET",  "MGET", "EXISTS", "PING",
                                                   "SCAN", "TTL",  "PTTL"};
  return std::find(kReads.begin(), kReads.end(), upper(command.front())) != kReads.end();
}

// ---- Answers ----

std::string inBase64(std::string_view bytes) {
  std::string encoded((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return encoded;
}

// As Upstash does without base64: what is not Unicode is lost.
std::string asUnicode(std::string_view bytes) {
  if (internal::isUtf8(bytes)) return std::string(bytes);
  std::string text;
  for (const char c : bytes) {
    text += static_cast<unsigned char>(c) < 0x80 ? std::string(1, c) : "\xef\xbf\xbd";
  }
  return text;
}

json::value resultOf(const redisReply& reply, bool base64) {
  const std::string_view text(reply.str == nullptr ? "" : reply.str,
                              reply.str == nullptr ? 0 : reply.len);
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return reply.integer;
    case REDIS_REPLY_STATUS:
      if (text == "OK") return "OK";
      [[fallthrough]];
    case REDIS_REPLY_STRING:
      return json::value_from(base64 ? inBase64(text) : asUnicode(text));
    case REDIS_REPLY_ARRAY: {
      json::array elements;
      for (std::size_t i = 0; i < reply.elements; ++i) {
        elements.push_back(resultOf(*reply.element[i], base64));
      }
      return elements;
    }
    default:
      return nullptr;
  }
}

json::object errorObject(std::string_view text) {
  return {{"error", json::string_view(text.data(), text.size())}};
}

json::object objectOf(const redisReply* reply, bool base64) {
  if (reply == nullptr) return errorObject("ERR the server behind the proxy is gone");
  if (reply->type == REDIS_REPLY_ERROR) return errorObject({reply->str, reply->len});
  return {{"result", resultOf(*reply, base64)}};
}

RestAnswer refusal(unsigned status, std::string_view text) {
  return {status, json::serialize(errorObject(text))};
}

Reply execute(redisContext* redis, const Words& words) {
  std::vector<const char*> arguments;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    arguments.push_back(word.data());
    sizes.push_back(word.size());
  }
  void* const reply =
      redisCommandArgv(redis, static_cast<int>(words.size()), arguments.data(), sizes.data());
  return {static_cast<redisReply*>(reply), freeReplyObject};
}

}  // namespace

struct UpstashRest::Call {
  bool base64 = false;
  bool read_only = false;
  std::vector<Words> commands;

  bool mayRun(const Words& command) const { return !read_only || onlyReads(command); }
  json::object run(redisContext* redis, const Words& command) const {
    if (mayRun(command)) return objectOf(execute(redis, command).get(), base64);
    return errorObject("NOPERM this user has no permissions to run the '" + command.front() +
                       "' command or its subcommand");
  }
};

UpstashRest::UpstashRest(const std::string& redis_socket, RestTokens tokens)
    : redis_socket_(redis_socket),
      tokens_(std::move(tokens)),
      redis_(redisConnectUnix(redis_socket.c_str())) {}

UpstashRest::~UpstashRest() { redisFree(redis_); }

bool UpstashRest::mayEnter(const std::string& token) const {
  return !token.empty() && (token == tokens_.full || token == tokens_.read_only);
}

bool UpstashRest::isSubscription(const RestRequest& request) {
  const Target target = parsedTarget(request);
  return target.path.size() > 1 &&
         (target.path[0] == "subscribe" || target.path[0] == "psubscribe");
}

std::unique_ptr<RestSubscription> UpstashRest::subscribe(const RestRequest& request) const {
  const Target target = parsedTarget(request);
  if (!mayEnter(target.token)) return nullptr;
  return std::make_unique<RestSubscription>(redis_socket_, target.path);
}

RestAnswer UpstashRest::answer(const RestRequest& request) {
  const Target target = parsedTarget(request);
  if (!mayEnter(target.token)) {
    return refusal(401, "WRONGPASS invalid or missing auth token");
  }
  Call call{.base64 = request.encoding == "base64", .read_only = target.token != tokens_.full};
  const bool many = target.path == Words{"pipeline"} || target.path == Words{"multi-exec"};
  if (!target.path.empty() && !many) {
    Words command = target.path;
    if (!request.body.empty()) command.push_back(request.body);
    command.insert(command.end(), target.parameters.begin(), target.parameters.end());
    call.commands.push_back(std::move(command));
    return one(call);
  }
  call.commands = commandsOf(request.body, many);
  if (call.commands.empty()) return refusal(400, "ERR failed to parse the request");
  if (!many) return one(call);
  return target.path.front() == "pipeline" ? pipeline(call) : transaction(call);
}

RestAnswer UpstashRest::one(const Call& call) {
  const json::object result = call.run(redis_, call.commands.front());
  return {result.contains("error") ? 400U : 200U, json::serialize(result)};
}

RestAnswer UpstashRest::pipeline(const Call& call) {
  json::array results;
  for (const Words& command : call.commands) results.push_back(call.run(redis_, command));
  return {200, json::serialize(results)};
}

RestAnswer UpstashRest::transaction(const Call& call) {
  execute(redis_, {"MULTI"});
  for (const Words& command : call.commands) {
    const json::object queued = call.run(redis_, command);
    if (!queued.contains("error")) continue;
    execute(redis_, {"DISCARD"});
    return {400, json::serialize(queued)};
  }
  const Reply replies = execute(redis_, {"EXEC"});
  if (replies == nullptr || replies->type != REDIS_REPLY_ARRAY) {
    return {400, json::serialize(objectOf(replies.get(), call.base64))};
  }
  json::array results;
  for (std::size_t i = 0; i < replies->elements; ++i) {
    results.push_back(objectOf(replies->element[i], call.base64));
  }
  return {200, json::serialize(results)};
}

}  // namespace strata::testing
