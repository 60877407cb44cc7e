#include "adapters/upstash/http.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "strata/adapters/net/chunked_body.h"

namespace strata::internal {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::uint64_t kMaxBody = std::uint64_t{64} << 20U;
constexpr std::uint32_t kMaxHeader = 16U << 10U;

beast::string_view viewOf(std::string_view text) { return {text.data(), text.size()}; }

// Retry-After may also be a date, which is of no use without the server's clock.
absl::Duration secondsIn(beast::string_view text) {
  std::uint32_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, seconds);
  return error == std::errc() && stopped == end ? absl::Seconds(seconds) : absl::ZeroDuration();
}

}  // namespace

std::string serialized(HttpRequest request) {
  constexpr unsigned kHttp11 = 11;
  http::request<http::string_body> message(http::verb::post, viewOf(request.target), kHttp11);
  message.set(http::field::host, viewOf(request.host));
  message.set(http::field::authorization, viewOf("Bearer " + std::string(request.token)));
  message.set(http::field::content_type, "application/json");
  message.set(http::field::user_agent, "strata");
  message.set("Upstash-Encoding", "base64");
  message.set("Upstash-Sync-Token", viewOf(request.sync_token));
  message.body() = std::move(request.body);
  message.prepare_payload();
  http::request_serializer<http::string_body> serializer(message);
  std::string bytes;
  beast::error_code error;
  while (!serializer.is_done()) {
    // It fails only where a body reads its bytes from somewhere else.
    serializer.next(error, [&](beast::error_code&, const auto& buffers) {
      for (const auto buffer : beast::buffers_range_ref(buffers)) {
        bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
      }
      serializer.consume(boost::asio::buffer_size(buffers));
    });
  }
  return bytes;
}

struct HttpAnswerReader::Parser {
  Parser() { restart(); }

  void restart() {
    parser.emplace();
    parser->eager(false);  // until the body, so that the header is parsed by itself
    in_body = false;
    parser->body_limit(kMaxBody);
    parser->header_limit(kMaxHeader);
  }
  // "100 Continue" and the like come before the answer, and are none.
  bool isInterim() const { return parser->get().result_int() / 100 == 1; }

  // Whether what is there can be handed to the parser.
  bool isReady() {
    if (rest.empty()) return false;
    if (in_body || !parser->is_header_done()) return true;
    in_body = mayParseBody(*parser, rest);
    parser->eager(in_body);
    return in_body;
  }

  std::optional<http::response_parser<http::string_body>> parser;
  // What came and could not be parsed yet.
  std::string rest;
  bool has_begun = false;
  bool in_body = false;
};

HttpAnswerReader::HttpAnswerReader() : parser_(std::make_unique<Parser>()) {}
HttpAnswerReader::~HttpAnswerReader() = default;

bool HttpAnswerReader::hasBegun() const { return parser_->has_begun; }

absl::StatusOr<bool> HttpAnswerReader::feed(std::string_view bytes) {
  std::string& rest = parser_->rest;
  rest.append(bytes);
  parser_->has_begun = parser_->has_begun || !bytes.empty();
  while (parser_->isReady()) {
    beast::error_code error;
    const std::size_t parsed = parser_->parser->put(boost::asio::buffer(rest), error);
    rest.erase(0, parsed);
    if (error && error != http::error::need_more) {
      return absl::InternalError("what answers does not speak HTTP, or answers too much");
    }
    if (parser_->parser->is_done()) {
      if (!parser_->isInterim()) return true;
      parser_->restart();
    } else if (parsed == 0) {
      return false;
    }
  }
  return false;
}

absl::Status HttpAnswerReader::end() {
  beast::error_code error;
  if (parser_->parser->got_some()) parser_->parser->put_eof(error);
  if (!error && parser_->parser->is_done()) return absl::OkStatus();
  return absl::UnavailableError("the server closed the connection");
}

HttpAnswer HttpAnswerReader::take() {
  // Whatever follows the answer was not asked for, and would be taken for the next one.
  const bool keep_alive = parser_->parser->keep_alive() && parser_->rest.empty();
  auto message = parser_->parser->release();
  HttpAnswer answer{.status = message.result_int(), .body = std::move(message.body())};
  answer.sync_token = std::string(message["Upstash-Sync-Token"]);
  answer.retry_after = secondsIn(message[http::field::retry_after]);
  answer.keep_alive = keep_alive;
  return answer;
}

}  // namespace strata::internal
