#include "examples/copilot_server/http_connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <chrono>
#include <utility>

#include "examples/copilot_server/errors.h"
#include "examples/copilot_server/http_head.h"
#include "examples/copilot_server/run_on.h"
#include "strata/adapters/net/chunked_body.h"

namespace copilot {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxHeaderBytes = 16 << 10;
constexpr std::size_t kMaxBodyBytes = 1 << 20;
// Smaller ones are bounded by the number of connections.
constexpr std::size_t kLargeAnswerBytes = 64 << 10;
constexpr std::size_t kMaxStreamChunk = 64 << 10;
constexpr std::size_t kMaxLingerBytes = 4 << 20;
constexpr std::chrono::seconds kLingerTimeout{1};

constexpr std::string_view kTooMuchAtOnce =
    "the address sends or asks for too much at once; try again in a moment";

std::string peerOf(const asio::ip::tcp::socket& socket) {
  beast::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  return error ? "unknown" : endpoint.address().to_string();
}

Response unavailable(std::string_view why) {
  Response response = errorResponse(503, "unavailable", why);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

const boost::system::error_category& httpErrors() {
  static const auto& category = make_error_code(http::error::bad_method).category();
  return category;
}

}  // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, HttpContext& context,
                               std::unique_ptr<AddressBounds::Share> share, bool probes_only)
    : context_(context),
      stream_(std::move(socket)),
      writer_(stream_.socket(), absl::ToChronoNanoseconds(context.options.timeouts.write)),
      buffer_(kMaxHeaderBytes + kMaxBodyBytes),
      timer_(stream_.get_executor()),
      lifetime_(stream_.get_executor()),
      peer_(peerOf(stream_.socket())),
      share_(std::move(share)),
      probes_only_(probes_only) {}

asio::awaitable<void> HttpConnection::run() {
  const auto self = shared_from_this();
  beast::error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  if (probes_only_) endAfter(context_.options.timeouts.probe);
  bool goes_on = true;
  while (goes_on) goes_on = co_await serveOne();
  lifetime_.cancel();
  stream_.socket().close(ignored);
}

void HttpConnection::endAfter(absl::Duration time) {
  lifetime_.expires_after(absl::ToChronoNanoseconds(time));
  lifetime_.async_wait([weak = weak_from_this()](Error error) {
    const auto self = weak.lock();
    if (!error && self != nullptr) self->stream_.socket().close(error);
  });
}

asio::awaitable<bool> HttpConnection::serveOne() {
  const bool has_bytes = co_await waitForBytes();
  if (!has_bytes) co_return false;
  Parser parser;
  auto failure = co_await readHead(parser);
  // Of the head alone: the parser adds the fields behind a chunked body to those before it.
  Request request = failure ? Request() : requestFrom(parser);
  const bool wants_more = !failure && !probes_only_ && parser.keep_alive();
  Response response;
  if (!failure) failure = co_await answer(parser, request, response);
  if (failure) {
    co_await refuse(*failure);
    co_return false;
  }
  if (response.stream != nullptr) {
    co_await serveStream(response);
    co_return false;
  }
  const bool keep_alive = wants_more && !draining_ && !context_.draining;
  const bool written = co_await write(request, response, keep_alive);
  body_share_ = nullptr;
  answer_share_ = nullptr;
  if (written && !keep_alive) co_await linger();
  co_return written&& keep_alive;
}

asio::awaitable<std::optional<HttpConnection::Failure>> HttpConnection::answer(Parser& parser,
                                                                               Request& request,
                                                                               Response& response) {
  const Lane lane = context_.options.lane(request);
  if (probes_only_ && lane == Lane::kWork) {
    co_return Failure{unavailable("too many connections; try again in a moment")};
  }
  auto& pool = lane == Lane::kProbes ? context_.probers : context_.workers;
  const bool has_body = !parser.is_done();
  Admission admission;
  // Where there is no body to read between the two, one turn on a worker does for both.
  const auto admit = [&] {
    admission = context_.options.admit(request);
    if (admission.refusal == nullptr && !has_body) response = admission.handle(request);
    return true;
  };
  if (lane == Lane::kAtOnce) admit();
  if (lane != Lane::kAtOnce) co_await runOn(pool, admit);
  if (admission.refusal != nullptr) {
    // A body that was not read would be taken for the next request.
    if (has_body) co_return Failure{*admission.refusal};
    response = *admission.refusal;
  }
  if (!has_body) {
    holdAnswer(response, admission.address);
    co_return std::nullopt;
  }
  auto failure = co_await readBody(parser, admission.address);
  if (failure) co_return failure;
  request.body = std::move(parser.get().body());
  const auto handle = [&] { return admission.handle(request); };
  if (lane == Lane::kAtOnce) response = handle();
  if (lane != Lane::kAtOnce) response = co_await runOn(pool, handle);
  holdAnswer(response, admission.address);
  co_return std::nullopt;
}

bool HttpConnection::hold(const std::string& address, std::size_t bytes,
                          std::unique_ptr<AddressBounds::Share>& share) {
  if (context_.options.proxies.contains(address)) return true;
  // A single one may be as large as it is.
  share =
      context_.bytes.take(limitKey(address), std::min(bytes, context_.options.bytes_per_address));
  return share != nullptr;
}

void HttpConnection::holdAnswer(Response& response, const std::string& address) {
  if (response.body.size() < kLargeAnswerBytes) return;
  body_share_ = nullptr;
  if (!hold(address, response.body.size(), answer_share_)) response = unavailable(kTooMuchAtOnce);
}

asio::awaitable<bool> HttpConnection::waitForBytes() {
  if (buffer_.size() > 0) co_return true;
  beast::error_code error;
  // What has arrived already is served also by a server that is about to end.
  if (draining_ && stream_.socket().available(error) == 0) co_return false;
  idle_ = true;
  if (buffer_.capacity() > kMaxHeaderBytes) buffer_.shrink_to_fit();
  stream_.expires_after(absl::ToChronoNanoseconds(context_.options.timeouts.idle));
  const auto [read_error, bytes] =
      co_await stream_.async_read_some(buffer_.prepare(kMaxHeaderBytes), kToken);
  idle_ = false;
  buffer_.commit(bytes);
  if (read_error == asio::error::operation_aborted && draining_) {
    co_return stream_.socket().available(error) > 0;
  }
  co_return !read_error;
}

std::string_view HttpConnection::buffered() const {
  return {static_cast<const char*>(buffer_.cdata().data()), buffer_.size()};
}

asio::awaitable<bool> HttpConnection::readMore() {
  const auto [error, bytes] =
      co_await stream_.async_read_some(buffer_.prepare(kMaxHeaderBytes), kToken);
  buffer_.commit(bytes);
  co_return !error;
}

HttpConnection::Failure HttpConnection::failureOf(Error error) {
  // Everything else is a client that went away, or was too slow.
  const bool is_clients_mistake = error.category() == httpErrors() &&
                                  error != http::error::end_of_stream &&
                                  error != http::error::partial_message;
  if (!is_clients_mistake) return {};
  if (error == http::error::body_limit) {
    return {errorResponse(413, "too_large", "the body is larger than 1 MiB")};
  }
  return {errorResponse(400, "bad_request", "this is not HTTP")};
}

asio::awaitable<std::optional<HttpConnection::Failure>> HttpConnection::readHead(Parser& parser) {
  stream_.expires_after(absl::ToChronoNanoseconds(context_.options.timeouts.read));
  // RFC 9112, 2.2: an empty line before a request is ignored, also one that arrives in two parts.
  while (buffered() == "\r") {
    const bool has_more = co_await readMore();
    if (!has_more) co_return Failure{};
  }
  if (buffered().starts_with("\r\n")) buffer_.consume(2);
  std::size_t scanned = 0;
  HeadScan scan = scanHead(buffered());
  while (scan.length == 0 && !scan.is_broken && buffer_.size() < kMaxHeaderBytes) {
    scanned = buffer_.size();
    const bool has_more = co_await readMore();
    if (!has_more) co_return Failure{};
    scan = scanHead(buffered(), scanned);
  }
  if (scan.is_broken) co_return Failure{errorResponse(400, "bad_request", "this is not HTTP")};
  if (scan.length == 0 || scan.length > kMaxHeaderBytes) {
    co_return Failure{errorResponse(431, "too_large", "the headers are larger than 16 KiB")};
  }
  if (const auto problem = problemOf(buffered().substr(0, scan.length))) {
    const char* const code = problem->status == 501 ? "not_implemented" : "bad_request";
    co_return Failure{errorResponse(problem->status, code, problem->message)};
  }
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(kMaxBodyBytes);
  Error error;
  buffer_.consume(parser.put(asio::buffer(buffer_.cdata(), scan.length), error));
  if (!error && parser.get().version() != 11) {
    co_return Failure{errorResponse(505, "http_version", "this server speaks HTTP/1.1")};
  }
  co_return error ? std::optional(failureOf(error)) : std::nullopt;
}

asio::awaitable<std::optional<HttpConnection::Failure>> HttpConnection::readBody(
    Parser& parser, const std::string& address) {
  const std::size_t size = parser.content_length().value_or(kMaxBodyBytes);
  if (!hold(address, size, body_share_)) co_return Failure{unavailable(kTooMuchAtOnce)};
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    const bool written = co_await writeText("HTTP/1.1 100 Continue\r\n\r\n");
    if (!written) co_return Failure{};
  }
  auto check = [](std::uint64_t, beast::string_view extension, Error& error) {
    if (!isCleanChunkExtension({extension.data(), extension.size()})) {
      error = http::error::bad_chunk_extension;
    }
  };
  parser.on_chunk_header(check);
  stream_.expires_after(absl::ToChronoNanoseconds(context_.options.timeouts.read));
  while (!strata::mayParseBody(parser, buffered())) {
    const bool has_more = co_await readMore();
    if (!has_more) co_return Failure{};
  }
  const auto [error, bytes] = co_await http::async_read(stream_, buffer_, parser, kToken);
  co_return error ? std::optional(failureOf(error)) : std::nullopt;
}

Request HttpConnection::requestFrom(const Parser& parser) {
  const auto& message = parser.get();
  const auto text = [&message](const char* name) { return std::string(message[name]); };
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  parseTarget(request);
  request.tenant_id = text("X-Tenant-Id");
  request.user_id = text("X-User-Id");
  request.authorization = text("Authorization");
  request.gateway_secret = text("X-Gateway-Secret");
  const auto [first, last] = message.equal_range("X-Forwarded-For");
  for (auto line = first; line != last; ++line) request.forwarded_for = std::string(line->value());
  request.peer = peer_;
  request.wake = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      asio::post(self->stream_.get_executor(), [self] { self->wakeUp(); });
    }
  };
  return request;
}

asio::awaitable<bool> HttpConnection::write(const Request& request, const Response& response,
                                            bool keep_alive) {
  const bool written = co_await writeText(textOf(response, request.method != "HEAD", keep_alive));
  co_return written;
}

asio::awaitable<bool> HttpConnection::writeText(std::string text) {
  stream_.expires_never();
  const bool written = co_await writer_.write(text);
  co_return written;
}

asio::awaitable<void> HttpConnection::refuse(const Failure& failure) {
  if (!failure.answer) co_return;
  const bool written = co_await write(Request(), *failure.answer, false);
  if (written) co_await linger();
}

// A socket that is closed while there is something to read is reset, and the client may lose what
// was sent to it.
asio::awaitable<void> HttpConnection::linger() {
  beast::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.expires_after(kLingerTimeout);
  std::string dropped(kMaxStreamChunk, '\0');
  for (std::size_t all = 0; all < kMaxLingerBytes;) {
    const auto [error, bytes] = co_await stream_.async_read_some(asio::buffer(dropped), kToken);
    if (error) co_return;
    all += bytes;
  }
}

void HttpConnection::drain() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->draining_ = true;
    if (self->idle_) self->stream_.cancel();
    self->wakeUp();
  });
}

}  // namespace copilot
