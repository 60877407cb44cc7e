#include "examples/copilot_server/http_connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <utility>

#include "examples/copilot_server/errors.h"
#include "examples/copilot_server/http_head.h"
#include "strata/adapters/net/chunked_body.h"

namespace copilot {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxHeaderBytes = 16 << 10;
constexpr std::size_t kMaxBodyBytes = 1 << 20;
constexpr std::size_t kMaxStreamChunk = 64 << 10;
constexpr std::size_t kMaxLingerBytes = 4 << 20;
constexpr std::chrono::seconds kIdleTimeout{75};
constexpr std::chrono::seconds kReadTimeout{30};
constexpr std::chrono::seconds kWriteTimeout{30};
constexpr std::chrono::seconds kLingerTimeout{1};

template <typename F>
asio::awaitable<std::invoke_result_t<F>> runOn(asio::thread_pool& pool, F function) {
  auto work = [function = std::move(function)]() -> asio::awaitable<std::invoke_result_t<F>> {
    co_return function();
  };
  co_return co_await asio::co_spawn(pool, std::move(work), asio::use_awaitable);
}

std::string peerOf(const asio::ip::tcp::socket& socket) {
  beast::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  return error ? "unknown" : endpoint.address().to_string();
}

const boost::system::error_category& httpErrors() {
  static const auto& category = make_error_code(http::error::bad_method).category();
  return category;
}

std::string streamHeader(const Response& response) {
  std::string header =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
      "X-Accel-Buffering: no\r\nConnection: close\r\n";
  for (const auto& [name, value] : response.headers) header += name + ": " + value + "\r\n";
  return header + "\r\n";
}

}  // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, HttpContext& context)
    : context_(context),
      stream_(std::move(socket)),
      buffer_(kMaxHeaderBytes + kMaxBodyBytes),
      timer_(stream_.get_executor()),
      peer_(peerOf(stream_.socket())) {}

asio::awaitable<void> HttpConnection::run() {
  const auto self = shared_from_this();
  beast::error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  bool goes_on = true;
  while (goes_on) goes_on = co_await serveOne();
  stream_.socket().close(ignored);
}

asio::awaitable<bool> HttpConnection::serveOne() {
  const bool has_bytes = co_await waitForBytes();
  if (!has_bytes) co_return false;
  Parser parser;
  auto failure = co_await readHead(parser);
  // Of the head alone: the parser adds the fields behind a chunked body to those before it.
  Request request = failure ? Request() : requestFrom(parser);
  const bool wants_more = !failure && parser.keep_alive();
  if (!failure) failure = co_await readBody(parser);
  if (failure) {
    co_await refuse(*failure);
    co_return false;
  }
  request.body = std::move(parser.get().body());
  const Response response = co_await responseTo(request);
  if (response.stream != nullptr) {
    co_await serveStream(response);
    co_return false;
  }
  const bool keep_alive = wants_more && !draining_ && !context_.draining;
  const bool written = co_await write(request, response, keep_alive);
  if (written && !keep_alive) co_await linger();
  co_return written&& keep_alive;
}

asio::awaitable<bool> HttpConnection::waitForBytes() {
  if (buffer_.size() > 0) co_return true;
  beast::error_code error;
  // What has arrived already is served also by a server that is about to end.
  if (draining_ && stream_.socket().available(error) == 0) co_return false;
  idle_ = true;
  stream_.expires_after(kIdleTimeout);
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
  stream_.expires_after(kReadTimeout);
  // RFC 9112, 2.2: an empty line before a request is ignored.
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

asio::awaitable<std::optional<HttpConnection::Failure>> HttpConnection::readBody(Parser& parser) {
  if (parser.is_done()) co_return std::nullopt;
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
  stream_.expires_after(kReadTimeout);
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

asio::awaitable<Response> HttpConnection::responseTo(const Request& request) {
  const auto handle = [this, &request] { return context_.options.handle(request); };
  const Lane lane = context_.options.lane(request);
  if (lane == Lane::kAtOnce) co_return handle();
  auto& pool = lane == Lane::kProbes ? context_.probers : context_.workers;
  co_return co_await runOn(pool, handle);
}

asio::awaitable<bool> HttpConnection::write(const Request& request, const Response& response,
                                            bool keep_alive) {
  http::response<http::string_body> message(static_cast<http::status>(response.status), 11);
  if (response.status != 204) message.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(keep_alive);
  if (response.status != 204) message.content_length(response.body.size());
  if (request.method != "HEAD") message.body() = response.body;
  stream_.expires_after(kWriteTimeout);
  const auto [error, bytes] = co_await http::async_write(stream_, message, kToken);
  co_return !error;
}

asio::awaitable<bool> HttpConnection::writeText(std::string text) {
  stream_.expires_after(kWriteTimeout);
  const auto [error, bytes] = co_await asio::async_write(stream_, asio::buffer(text), kToken);
  co_return !error;
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

// ---- A stream of events ----

asio::awaitable<void> HttpConnection::serveStream(const Response& response) {
  EventStream& stream = *response.stream;
  const bool begun = co_await writeText(streamHeader(response) + stream.first);
  if (!begun) co_return;
  auto watch = [self = shared_from_this()] { return self->watchClient(); };
  asio::co_spawn(stream_.get_executor(), std::move(watch), asio::detached);
  while (!closed_) {
    EventStream::Text next = co_await takeEvents(stream);
    if (draining_) next.is_last = true;
    if (next.is_last) next.text += "event: bye\ndata: {}\n\n";
    if (next.text.empty()) {
      co_await waitForEvents();
      continue;
    }
    const bool written = co_await writeText(std::move(next.text));
    if (!written || next.is_last) break;
  }
  beast::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<EventStream::Text> HttpConnection::takeEvents(EventStream& stream) {
  EventStream::Text taken;
  bool has_gap = false;
  woken_ = false;
  while (taken.text.size() < kMaxStreamChunk && !taken.is_last) {
    const auto delivery = stream.events->tryNext();
    if (!delivery) break;
    has_gap = has_gap || delivery->event == nullptr;
    EventStream::Text one = stream.render(*delivery);
    taken.text += one.text;
    taken.is_last = one.is_last;
  }
  if (has_gap && !taken.is_last) {
    const bool may_go_on = co_await runOn(context_.workers, stream.may_go_on);
    if (!may_go_on) co_return EventStream::Text{.text = "", .is_last = true};
  }
  co_return taken;
}

// Returns with a heartbeat on its way where there is nothing else.
asio::awaitable<void> HttpConnection::waitForEvents() {
  if (woken_ || closed_ || draining_) co_return;
  timer_.expires_after(absl::ToChronoNanoseconds(context_.options.heartbeat));
  const auto [error] = co_await timer_.async_wait(kToken);
  if (error || woken_ || closed_ || draining_) co_return;
  const bool written = co_await writeText(": heartbeat\n\n");
  if (!written) closed_ = true;
}

asio::awaitable<void> HttpConnection::watchClient() {
  std::string dropped(1024, '\0');
  beast::error_code error;
  while (!error) {
    stream_.expires_never();
    const auto [read_error, bytes] =
        co_await stream_.async_read_some(asio::buffer(dropped), kToken);
    error = read_error;
  }
  closed_ = true;
  wakeUp();
}

void HttpConnection::wakeUp() {
  woken_ = true;
  timer_.cancel();
}

}  // namespace copilot
