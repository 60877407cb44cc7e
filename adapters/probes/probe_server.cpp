#include "strata/adapters/probes/probe_server.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <exception>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "src/base/start_threads.h"
#include "strata/adapters/net/chunked_body.h"

namespace strata {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::beast::error_code;
using Response = http::response<http::string_body>;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxHeaderBytes = 8 << 10;
constexpr std::chrono::milliseconds kPause{50};

absl::Status check(const std::shared_ptr<Probes>& probes, const ProbeServerOptions& options) {
  if (probes == nullptr) return absl::InvalidArgumentError("probe server: there are no probes");
  if (options.timeout <= absl::ZeroDuration() || options.timeout > absl::Hours(1)) {
    return absl::InvalidArgumentError(
        "probe server: timeout must be above zero and at most an hour");
  }
  if (options.max_connections == 0) {
    return absl::InvalidArgumentError("probe server: max_connections must be at least 1");
  }
  return absl::OkStatus();
}

ProbeAnswer plain(int status, std::string body) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(body)};
}

// A client that is to blame; none: it went away, or was too slow.
int statusOf(const error_code& error) {
  static const auto& http_errors = make_error_code(http::error::bad_method).category();
  if (error.category() != http_errors || error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return 0;
  }
  if (error == http::error::header_limit) return 431;
  return error == http::error::unexpected_body || error == http::error::body_limit ? 413 : 400;
}

std::string_view bytesOf(const boost::beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.cdata().data()), buffer.size()};
}

bool isLivez(std::string_view target) { return target.substr(0, target.find('?')) == "/livez"; }

}  // namespace

class ProbeServer::Impl {
 public:
  Impl(std::shared_ptr<Probes> probes, const ProbeServerOptions& options)
      : probes_(std::move(probes)), options_(options) {}
  ~Impl();

  absl::Status start();
  std::uint16_t port() const { return port_; }

 private:
  asio::awaitable<void> acceptAll();
  void serve(tcp::socket socket);
  asio::awaitable<void> talk(tcp::socket socket);
  static asio::awaitable<error_code> read(boost::beast::tcp_stream& stream,
                                          boost::beast::flat_buffer& buffer,
                                          http::request_parser<http::empty_body>& parser);
  // Whether the connection goes on.
  asio::awaitable<bool> serveOne(boost::beast::tcp_stream& stream,
                                 boost::beast::flat_buffer& buffer);
  asio::awaitable<ProbeAnswer> answerTo(const http::request<http::empty_body>& request);
  asio::awaitable<bool> write(boost::beast::tcp_stream& stream, const ProbeAnswer& answer,
                              bool has_body, bool keep_alive) const;
  void expireAfterTimeout(boost::beast::tcp_stream& stream) const {
    stream.expires_after(absl::ToChronoNanoseconds(options_.timeout));
  }

  const std::shared_ptr<Probes> probes_;
  const ProbeServerOptions options_;
  asio::thread_pool asker_{1};
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  std::uint16_t port_ = 0;
  std::size_t connections_ = 0;  // of the thread below alone
  std::thread thread_;
};

ProbeServer::Impl::~Impl() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
  asker_.join();
}

absl::Status ProbeServer::Impl::start() {
  error_code error;
  const auto address = asio::ip::make_address(options_.address, error);
  if (error) return absl::InvalidArgumentError("probe server: address is no IP address");
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(fmt::format("probe server: cannot listen on {}, port {}: {}",
                                              options_.address, options_.port, error.message()));
  }
  port_ = acceptor_.local_endpoint().port();
  auto accept = [this] { return acceptAll(); };
  asio::co_spawn(io_, std::move(accept), [](const std::exception_ptr&) {});
  return internal::startThreads("probe server",
                                [this] { thread_ = std::thread([this] { io_.run(); }); });
}

asio::awaitable<void> ProbeServer::Impl::acceptAll() {
  while (true) {
    auto [error, socket] = co_await acceptor_.async_accept(kToken);
    if (!error) {
      serve(std::move(socket));
      continue;
    }
    // Out of descriptors, say: the next attempt would fail at once again.
    asio::steady_timer pause(io_, kPause);
    co_await pause.async_wait(kToken);
  }
}

void ProbeServer::Impl::serve(tcp::socket socket) {
  if (connections_ >= options_.max_connections) return;
  ++connections_;
  auto talking = [this, taken = std::move(socket)]() mutable { return talk(std::move(taken)); };
  asio::co_spawn(io_, std::move(talking), [this](const std::exception_ptr&) { --connections_; });
}

asio::awaitable<void> ProbeServer::Impl::talk(tcp::socket socket) {
  boost::beast::tcp_stream stream(std::move(socket));
  boost::beast::flat_buffer buffer(2 * kMaxHeaderBytes);
  bool goes_on = true;
  while (goes_on) goes_on = co_await serveOne(stream, buffer);
  error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<error_code> ProbeServer::Impl::read(
    boost::beast::tcp_stream& stream, boost::beast::flat_buffer& buffer,
    http::request_parser<http::empty_body>& parser) {
  const auto [header_error, header_bytes] =
      co_await http::async_read_header(stream, buffer, parser, kToken);
  if (header_error) co_return header_error;
  // Of a body of unknown length nothing can be skipped: it would be taken for the next request.
  if (parser.get().count(http::field::transfer_encoding) > 0 && !parser.chunked()) {
    co_return make_error_code(http::error::bad_transfer_encoding);
  }
  while (!mayParseBody(parser, bytesOf(buffer))) {
    const auto [error, bytes] =
        co_await stream.async_read_some(buffer.prepare(kMaxHeaderBytes), kToken);
    buffer.commit(bytes);
    if (error) co_return error;
  }
  const auto [error, bytes] = co_await http::async_read(stream, buffer, parser, kToken);
  co_return error;
}

asio::awaitable<bool> ProbeServer::Impl::serveOne(boost::beast::tcp_stream& stream,
                                                  boost::beast::flat_buffer& buffer) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(0);
  expireAfterTimeout(stream);
  const error_code error = co_await read(stream, buffer, parser);
  if (error) {
    const int status = statusOf(error);
    if (status == 0) co_return false;
    const ProbeAnswer refusal = plain(status, "this is no request for a probe\n");
    co_await write(stream, refusal, true, false);
    co_return false;
  }
  const auto& request = parser.get();
  const bool keep_alive = request.keep_alive() && request.version() == 11;
  const ProbeAnswer answer = co_await answerTo(request);
  const bool has_body = request.method() != http::verb::head;
  co_return co_await write(stream, answer, has_body, keep_alive);
}

asio::awaitable<ProbeAnswer> ProbeServer::Impl::answerTo(
    const http::request<http::empty_body>& request) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    co_return plain(405, "a probe is asked with GET\n");
  }
  const std::string target(request.target());
  if (isLivez(target)) co_return probes_->answer(target);
  auto ask = [this, &target]() -> asio::awaitable<ProbeAnswer> {
    co_return probes_->answer(target);
  };
  co_return co_await asio::co_spawn(asker_, std::move(ask), asio::use_awaitable);
}

asio::awaitable<bool> ProbeServer::Impl::write(boost::beast::tcp_stream& stream,
                                               const ProbeAnswer& answer, bool has_body,
                                               bool keep_alive) const {
  Response response(static_cast<http::status>(answer.status), 11);
  response.set(http::field::content_type, answer.content_type);
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
  response.keep_alive(keep_alive);
  response.content_length(answer.body.size());
  if (has_body) response.body() = answer.body;
  expireAfterTimeout(stream);
  const auto [error, bytes] = co_await http::async_write(stream, response, kToken);
  co_return !error && keep_alive;
}

absl::StatusOr<std::unique_ptr<ProbeServer>> ProbeServer::start(std::shared_ptr<Probes> probes,
                                                                const ProbeServerOptions& options) {
  if (absl::Status status = check(probes, options); !status.ok()) return status;
  std::unique_ptr<Impl> impl;
  const absl::Status made = internal::startThreads(
      "probe server", [&] { impl = std::make_unique<Impl>(std::move(probes), options); });
  if (!made.ok()) return made;
  if (absl::Status status = impl->start(); !status.ok()) return status;
  return std::unique_ptr<ProbeServer>(new ProbeServer(std::move(impl)));
}

ProbeServer::ProbeServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ProbeServer::~ProbeServer() = default;

std::uint16_t ProbeServer::port() const { return impl_->port(); }

}  // namespace strata
