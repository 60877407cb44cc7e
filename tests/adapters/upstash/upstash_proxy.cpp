#include "tests/adapters/upstash/upstash_proxy.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "tests/adapters/upstash/upstash_rest.h"

namespace strata::testing {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::beast::error_code;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;
using Tcp = asio::ip::tcp;

RestRequest restRequest(const Request& request) {
  return {.method = std::string(request.method_string()),
          .target = std::string(request.target()),
          .authorization = std::string(request[http::field::authorization]),
          .encoding = std::string(request["Upstash-Encoding"]),
          .body = request.body()};
}

Response responseOf(const Request& request, RestAnswer answer, const std::string& sync_token) {
  Response response(static_cast<http::status>(answer.status), request.version());
  response.set(http::field::content_type, "application/json");
  response.set("Upstash-Sync-Token", sync_token);
  response.keep_alive(request.keep_alive());
  response.body() = std::move(answer.body);
  response.prepare_payload();
  return response;
}

std::string textOf(const Response& response) {
  std::ostringstream text;
  text << response;
  return text.str();
}

void addHeader(Response& response, const std::string& line) {
  const std::size_t colon = line.find(": ");
  if (colon != std::string::npos) response.set(line.substr(0, colon), line.substr(colon + 2));
}

}  // namespace

class UpstashProxy::Server {
 public:
  explicit Server(UpstashProxyOptions options);
  ~Server();

  bool encrypted() const { return tls_.has_value(); }
  std::uint16_t port() const { return port_; }
  void inject(UpstashFault fault);
  void closeConnections();
  std::size_t requests() const {
    const std::lock_guard lock(mutex_);
    return sync_tokens_.size();
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return accepted_;
  }
  std::vector<std::string> syncTokens() const {
    const std::lock_guard lock(mutex_);
    return sync_tokens_;
  }
  std::string lastTarget() const {
    const std::lock_guard lock(mutex_);
    return last_target_;
  }
  void setDeaf(bool is_deaf) { is_deaf_ = is_deaf; }
  std::size_t streams() const { return streams_; }

 private:
  void acceptAll();
  void talk(Tcp::socket socket);
  template <typename Stream>
  void serve(Stream& stream);
  // Until either side ends it.
  template <typename Stream>
  void stream(Stream& stream, RestSubscription& subscription);
  // False: the connection is over.
  template <typename Stream>
  bool misbehave(Stream& stream, const UpstashFault& fault, Response& response);
  template <typename Stream>
  void trickle(Stream& stream, const std::string& text);
  // True after that time; false as soon as the fault is another one.
  bool waitWhileFaulty(std::chrono::milliseconds at_most);
  // Counts the request; what shall befall it, and the sync token of the answer.
  std::pair<UpstashFault, std::string> note(const Request& request);

  const UpstashProxyOptions options_;
  asio::io_context context_;
  std::optional<asio::ssl::context> tls_;
  Tcp::acceptor acceptor_;
  const std::uint16_t port_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  UpstashFault fault_;
  std::uint64_t faults_ = 0;  // how often it was set
  std::set<int> open_;
  std::size_t accepted_ = 0;
  std::vector<std::string> sync_tokens_;
  std::string last_target_;
  std::atomic<bool> is_deaf_ = false;
  std::atomic<std::size_t> streams_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> sessions_;
  std::jthread accepting_;
};

UpstashProxy::Server::Server(UpstashProxyOptions options)
    : options_(std::move(options)),
      acceptor_(context_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()) {
  if (!options_.certificate_file.empty()) {
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->use_certificate_chain_file(options_.certificate_file);
    tls_->use_private_key_file(options_.key_file, asio::ssl::context::pem);
    if (!options_.client_ca_file.empty()) {
      tls_->load_verify_file(options_.client_ca_file);
      tls_->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
  }
  accepting_ = std::jthread([this] { acceptAll(); });
}

UpstashProxy::Server::~Server() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
  accepting_.join();
  closeConnections();
  sessions_.clear();
}

void UpstashProxy::Server::inject(UpstashFault fault) {
  {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
    ++faults_;
  }
  changed_.notify_all();
}

void UpstashProxy::Server::closeConnections() {
  const std::lock_guard lock(mutex_);
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
}

void UpstashProxy::Server::acceptAll() {
  while (true) {
    error_code error;
    Tcp::socket socket = acceptor_.accept(error);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (error) continue;
    ++accepted_;
    open_.insert(socket.native_handle());
    sessions_.emplace_back([this, taken = std::move(socket)]() mutable { talk(std::move(taken)); });
  }
}

void UpstashProxy::Server::talk(Tcp::socket socket) {
  const int fd = socket.native_handle();
  error_code error;
  socket.set_option(Tcp::no_delay(true), error);
  // It must be out of the set before its number can be another socket's.
  const auto forget = [&] {
    const std::lock_guard lock(mutex_);
    open_.erase(fd);
  };
  if (!tls_) {
    serve(socket);
    forget();
    return;
  }
  asio::ssl::stream<Tcp::socket> stream(std::move(socket), *tls_);
  stream.handshake(asio::ssl::stream_base::server, error);
  if (!error) serve(stream);
  forget();
}

std::pair<UpstashFault, std::string> UpstashProxy::Server::note(const Request& request) {
  const std::lock_guard lock(mutex_);
  sync_tokens_.emplace_back(request["Upstash-Sync-Token"]);
  last_target_ = std::string(request.target());
  const std::string sync_token = "token-" + std::to_string(sync_tokens_.size());
  if (fault_.kind == UpstashFault::Kind::kNone) return {{}, sync_token};
  const UpstashFault fault = fault_;
  if (--fault_.times == 0) fault_ = {};
  return {fault, sync_token};
}

template <typename Stream>
void UpstashProxy::Server::serve(Stream& stream) {
  UpstashRest rest(options_.redis_socket, {options_.token, options_.read_only_token});
  boost::beast::flat_buffer buffer;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{64} << 20U);
    error_code error;
    http::read(stream, buffer, parser, error);
    if (error) return;
    const Request request = parser.release();
    const auto [fault, sync_token] = note(request);
    const bool faulty = fault.kind != UpstashFault::Kind::kNone;
    const RestRequest asked = restRequest(request);
    if (!faulty && UpstashRest::isSubscription(asked)) {
      if (const auto subscription = rest.subscribe(asked))
        return this->stream(stream, *subscription);
    }
    RestAnswer answer;
    if (!faulty || fault.executes) answer = rest.answer(asked);
    if (fault.kind == UpstashFault::Kind::kAnswer) answer = {fault.status, fault.body};
    Response response = responseOf(request, std::move(answer), sync_token);
    if (faulty) {
      if (!misbehave(stream, fault, response)) return;
    } else {
      http::write(stream, response, error);
    }
    if (error || !response.keep_alive()) return;
  }
}

template <typename Stream>
void UpstashProxy::Server::stream(Stream& stream, RestSubscription& subscription) {
  constexpr std::string_view kHead =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  error_code error;
  asio::write(stream, asio::buffer(kHead.data(), kHead.size()), error);
  ++streams_;
  // The client says nothing more: what can be read is its end.
  std::array<pollfd, 2> files{
      {{.fd = subscription.file(), .events = POLLIN, .revents = 0},
       {.fd = stream.lowest_layer().native_handle(), .events = POLLIN, .revents = 0}}};
  while (!error && ::poll(files.data(), files.size(), -1) > 0 && files[1].revents == 0) {
    const std::optional<std::string> lines = subscription.read();
    if (!lines) break;
    const bool confirms = lines->find("subscribe,") != std::string::npos;
    if (lines->empty() || (is_deaf_ && !confirms)) continue;
    asio::write(stream, asio::buffer(fmt::format("{:x}\r\n{}\r\n", lines->size(), *lines)), error);
  }
  if (!error && files[1].revents == 0) asio::write(stream, asio::buffer("0\r\n\r\n", 5), error);
  --streams_;
}

template <typename Stream>
bool UpstashProxy::Server::misbehave(Stream& stream, const UpstashFault& fault,
                                     Response& response) {
  error_code error;
  switch (fault.kind) {
    case UpstashFault::Kind::kAnswer:
      addHeader(response, fault.header);
      http::write(stream, response, error);
      return !error;
    case UpstashFault::Kind::kHang:
      waitWhileFaulty(std::chrono::hours(1));
      return false;
    case UpstashFault::Kind::kCut: {
      const std::string whole = textOf(response);
      asio::write(stream, asio::buffer(whole.substr(0, whole.size() - 5)), error);
      return false;
    }
    case UpstashFault::Kind::kGarbage:
      asio::write(stream, asio::buffer(fault.body), error);
      return !error;
    case UpstashFault::Kind::kTrickle:
      trickle(stream, textOf(response));
      return false;
    default:
      return false;
  }
}

template <typename Stream>
void UpstashProxy::Server::trickle(Stream& stream, const std::string& text) {
  error_code error;
  for (const char byte : text) {
    asio::write(stream, asio::buffer(&byte, 1), error);
    if (error || !waitWhileFaulty(std::chrono::milliseconds(20))) return;
  }
}

bool UpstashProxy::Server::waitWhileFaulty(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  const std::uint64_t now = faults_;
  return !changed_.wait_for(lock, at_most, [&] { return stopping_ || faults_ != now; });
}

// ---- UpstashProxy ----

std::unique_ptr<UpstashProxy> UpstashProxy::start(UpstashProxyOptions options) {
  return std::unique_ptr<UpstashProxy>(
      new UpstashProxy(std::make_unique<Server>(std::move(options))));
}

UpstashProxy::UpstashProxy(std::unique_ptr<Server> server) : server_(std::move(server)) {}
UpstashProxy::~UpstashProxy() = default;

std::string UpstashProxy::url() const {
  const std::string port = std::to_string(server_->port());
  return server_->encrypted() ? "https://localhost:" + port : "http://127.0.0.1:" + port;
}

std::uint16_t UpstashProxy::port() const { return server_->port(); }
void UpstashProxy::inject(UpstashFault fault) { server_->inject(std::move(fault)); }
void UpstashProxy::closeConnections() { server_->closeConnections(); }
void UpstashProxy::setDeaf(bool is_deaf) { server_->setDeaf(is_deaf); }
std::size_t UpstashProxy::streams() const { return server_->streams(); }
std::size_t UpstashProxy::requests() const { return server_->requests(); }
std::size_t UpstashProxy::connections() const { return server_->connections(); }
std::vector<std::string> UpstashProxy::syncTokens() const { return server_->syncTokens(); }
std::string UpstashProxy::lastTarget() const { return server_->lastTarget(); }

}  // namespace strata::testing
