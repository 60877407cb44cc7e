#include "adapters/upstash/protocol.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "adapters/redis_dialect/errors.h"
#include "adapters/upstash/text.h"

namespace strata::internal {
namespace {

namespace json = boost::json;

json::array arrayOf(const UpstashCommand& command) {
  json::array words;
  words.reserve(command.size());
  for (const std::string& word : command) words.emplace_back(word);
  return words;
}

absl::Status senseless() { return absl::InternalError("the answer makes no sense"); }

std::string_view viewOf(const json::string& text) { return {text.data(), text.size()}; }

// Every text is in base64, except the OK of a command that has nothing else to say.
std::optional<std::string> textOf(const json::string& text) {
  if (viewOf(text) == "OK") return "OK";
  return base64Decoded(viewOf(text));
}

// False: there is something else than texts and nils in it.
bool appendTexts(const json::array& array, std::vector<std::optional<std::string>>& texts) {
  for (const json::value& element : array) {
    if (element.is_null()) {
      texts.emplace_back();
      continue;
    }
    std::optional<std::string> text =
        element.is_string() ? textOf(element.get_string()) : std::nullopt;
    if (!text) return false;
    texts.push_back(std::move(text));
  }
  return true;
}

absl::StatusOr<UpstashReply> arrayReply(const json::array& array) {
  std::vector<std::optional<std::string>> texts;
  // Of SCAN: its cursor, and the array of the keys.
  const bool is_page = array.size() == 2 && array[0].is_string() && array[1].is_array();
  const bool appended =
      is_page ? appendTexts({array[0]}, texts) && appendTexts(array[1].get_array(), texts)
              : appendTexts(array, texts);
  if (!appended) return senseless();
  return UpstashReply(std::move(texts));
}

absl::StatusOr<UpstashReply> replyOf(const json::value& result) {
  switch (result.kind()) {
    case json::kind::null:
      return UpstashReply();
    case json::kind::int64:
      return UpstashReply(result.get_int64());
    case json::kind::string:
      if (auto text = textOf(result.get_string())) return UpstashReply(*std::move(text));
      return senseless();
    case json::kind::array:
      return arrayReply(result.get_array());
    default:
      return senseless();
  }
}

// None: it is not {"error": "…"}.
std::optional<std::string_view> errorIn(const json::value& answer) {
  const json::object* const members = answer.if_object();
  const json::value* const error = members == nullptr ? nullptr : members->if_contains("error");
  if (error == nullptr || !error->is_string()) return std::nullopt;
  return viewOf(error->get_string());
}

// The outer status is of the answer, the inner one of the command.
absl::StatusOr<absl::StatusOr<UpstashReply>> answerOf(const json::value& answer) {
  if (const auto error = errorIn(answer)) {
    return absl::StatusOr<UpstashReply>(redisErrorStatus(*error, RedisSpeaker::kRestService));
  }
  const json::object* const members = answer.if_object();
  const json::value* const result = members == nullptr ? nullptr : members->if_contains("result");
  if (result == nullptr) return senseless();
  absl::StatusOr<UpstashReply> reply = replyOf(*result);
  if (!reply.ok()) return reply.status();
  return reply;
}

}  // namespace

std::string upstashRequestBody(absl::Span<const UpstashCommand> commands) {
  if (commands.size() == 1) return json::serialize(arrayOf(commands.front()));
  json::array rows;
  rows.reserve(commands.size());
  for (const UpstashCommand& command : commands) rows.push_back(arrayOf(command));
  return json::serialize(rows);
}

absl::StatusOr<UpstashReplies> parseUpstashReplies(std::string_view body, std::size_t count) {
  boost::system::error_code error;
  const json::value parsed = json::parse({body.data(), body.size()}, error);
  if (error) return senseless();
  const json::array* const rows = parsed.if_array();
  if (count != 1 && (rows == nullptr || rows->size() != count)) return senseless();
  UpstashReplies replies;
  replies.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto answer = answerOf(count == 1 ? parsed : (*rows)[i]);
    if (!answer.ok()) return answer.status();
    replies.push_back(*std::move(answer));
  }
  return replies;
}

std::string upstashErrorText(std::string_view body) {
  boost::system::error_code error;
  const json::value parsed = json::parse({body.data(), body.size()}, error);
  if (error) return {};
  return std::string(errorIn(parsed).value_or(""));
}

}  // namespace strata::internal
