#include "examples/copilot_server/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "examples/copilot_server/http_connection.h"
#include "strata/base/clock.h"

namespace copilot {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::beast::error_code;

class HttpServer::Impl {
 public:
  explicit Impl(HttpServerOptions options)
      : context_(std::move(options)),
        io_(context_.options.io_threads),
        acceptor_(asio::make_strand(io_)) {}
  ~Impl();

  absl::Status start();
  std::uint16_t port() const { return port_; }
  void beginDrain() { context_.draining = true; }
  bool drain(absl::Duration at_most);

 private:
  asio::awaitable<void> acceptAll();
  void serve(tcp::socket socket);
  // Null: there are too many, of all or of its address.
  std::shared_ptr<HttpConnection> admitted(tcp::socket socket)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void forget(const std::shared_ptr<HttpConnection>& connection);

  HttpContext context_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::shared_ptr<HttpConnection>> connections_ ABSL_GUARDED_BY(mutex_);
  bool accepting_ ABSL_GUARDED_BY(mutex_) = true;
  std::vector<std::thread> threads_;
};

HttpServer::Impl::~Impl() {
  context_.workers.join();
  context_.probers.join();
  io_.stop();
  for (std::thread& thread : threads_) thread.join();
}

absl::Status HttpServer::Impl::start() {
  error_code error;
  const auto address = asio::ip::make_address(context_.options.host, error);
  if (error) return absl::InvalidArgumentError("HOST is not an address");
  const tcp::endpoint endpoint(address, context_.options.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError("cannot listen on " + context_.options.host + ", port " +
                                  std::to_string(context_.options.port) + ": " + error.message());
  }
  port_ = acceptor_.local_endpoint().port();
  auto accept = [this] { return acceptAll(); };
  asio::co_spawn(acceptor_.get_executor(), std::move(accept), [this](const std::exception_ptr&) {
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    changed_.notify_all();
  });
  for (int i = 0; i < context_.options.io_threads; ++i) {
    threads_.emplace_back([this] { io_.run(); });
  }
  return absl::OkStatus();
}

asio::awaitable<void> HttpServer::Impl::acceptAll() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(asio::make_strand(io_),
                                                           asio::as_tuple(asio::use_awaitable));
    if (!error) serve(std::move(socket));
    if (!error || error == asio::error::operation_aborted) continue;
    // Out of descriptors, say: the next attempt would fail at once again.
    asio::steady_timer pause(acceptor_.get_executor(), std::chrono::milliseconds(50));
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void HttpServer::Impl::serve(tcp::socket socket) {
  auto executor = socket.get_executor();
  std::shared_ptr<HttpConnection> connection;
  {
    const std::lock_guard lock(mutex_);
    connection = admitted(std::move(socket));
    if (connection == nullptr) return;
    connections_.insert(connection);
  }
  auto run = [connection] { return connection->run(); };
  asio::co_spawn(executor, std::move(run),
                 [this, connection](const std::exception_ptr&) { forget(connection); });
}

std::shared_ptr<HttpConnection> HttpServer::Impl::admitted(tcp::socket socket) {
  const HttpServerOptions& options = context_.options;
  const auto most = static_cast<std::size_t>(options.max_connections);
  const auto reserved = static_cast<std::size_t>(options.reserved_connections);
  const bool probes_only = connections_.size() >= most;
  if (connections_.size() >= most + reserved) return nullptr;
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  const std::string address = error ? "unknown" : peer.address().to_string();
  std::unique_ptr<AddressBounds::Share> share;
  if (probes_only || !options.proxies.contains(address)) {
    auto& bounds = probes_only ? context_.reserved : context_.connections;
    share = bounds.take(limitKey(address), 1);
    if (share == nullptr) return nullptr;
  }
  return std::make_shared<HttpConnection>(std::move(socket), context_, std::move(share),
                                          probes_only);
}

void HttpServer::Impl::forget(const std::shared_ptr<HttpConnection>& connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection);
  changed_.notify_all();
}

bool HttpServer::Impl::drain(absl::Duration at_most) {
  context_.draining = true;
  asio::post(acceptor_.get_executor(), [this] {
    error_code ignored;
    acceptor_.close(ignored);
  });
  const strata::Clock& clock = strata::Clock::system();
  const strata::MonotonicTime until = clock.now() + at_most;
  std::unique_lock lock(mutex_);
  while (accepting_ && clock.now() < until) clock.wait(lock, changed_, until);
  for (const auto& connection : connections_) connection->drain();
  while (!connections_.empty() && clock.now() < until) clock.wait(lock, changed_, until);
  return !accepting_ && connections_.empty();
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (absl::Status status = impl->start(); !status.ok()) return status;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return impl_->port(); }
void HttpServer::beginDrain() { impl_->beginDrain(); }
bool HttpServer::drain(absl::Duration at_most) { return impl_->drain(at_most); }

}  // namespace copilot
