// HttpConnection: one client, one request after the other, until either side has enough.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "examples/copilot_server/address_bounds.h"
#include "examples/copilot_server/http_server.h"
#include "examples/copilot_server/http_writer.h"

namespace copilot {

constexpr std::size_t kReservedPerAddress = 4;

// What the connections of a server have in common.
struct HttpContext {
  explicit HttpContext(HttpServerOptions options_in)
      : options(std::move(options_in)),
        connections(static_cast<std::size_t>(options.connections_per_address)),
        bytes(options.bytes_per_address),
        workers(options.worker_threads) {}

  const HttpServerOptions options;
  AddressBounds connections;
  AddressBounds reserved{kReservedPerAddress};
  AddressBounds bytes;
  boost::asio::thread_pool workers;
  boost::asio::thread_pool probers{1};
  std::atomic<bool> draining{false};
};

// Its socket has a strand as executor, on which all of it runs.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `context` must outlive it. `share` is what it holds of its address, null where that does not count.
  // `probes_only`: it came when there were too many, and one request for a probe is answered.
  HttpConnection(boost::asio::ip::tcp::socket socket, HttpContext& context,
                 std::unique_ptr<AddressBounds::Share> share, bool probes_only);

  boost::asio::awaitable<void> run();
  // Ends it once what is under way is answered. Thread-safe.
  void drain();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Error = boost::beast::error_code;
  // What is wrong with a request, and its answer; no answer: the client is gone, or too slow.
  struct Failure {
    std::optional<Response> answer;
  };

  // Whether the connection goes on after one request.
  boost::asio::awaitable<bool> serveOne();
  // Reads a body where there is one, and answers.
  boost::asio::awaitable<std::optional<Failure>> answer(Parser& parser, Request& request,
                                                        Response& response);
  // Closes it, whatever is under way, after `time`.
  void endAfter(absl::Duration time);
  // Waits until something comes; false: nothing will.
  boost::asio::awaitable<bool> waitForBytes();
  boost::asio::awaitable<std::optional<Failure>> readHead(Parser& parser);
  // Counts as bytes of `address` while it is read and answered.
  boost::asio::awaitable<std::optional<Failure>> readBody(Parser& parser,
                                                          const std::string& address);
  // Counts a large answer as bytes of `address` while it is written; 503 where that has too many.
  void holdAnswer(Response& response, const std::string& address);
  // Whether `address` may have so many more bytes; `share` gives them back.
  bool hold(const std::string& address, std::size_t bytes,
            std::unique_ptr<AddressBounds::Share>& share);
  // Whether more bytes are in the buffer.
  boost::asio::awaitable<bool> readMore();
  static Failure failureOf(Error error);
  std::string_view buffered() const;
  Request requestFrom(const Parser& parser);
  // Whether the client has it all.
  boost::asio::awaitable<bool> write(const Request& request, const Response& response,
                                     bool keep_alive);
  boost::asio::awaitable<bool> writeText(std::string text);
  boost::asio::awaitable<void> refuse(const Failure& failure);
  // Lets the client read the answer before the connection is gone.
  boost::asio::awaitable<void> linger();

  // ---- A stream of events ----
  boost::asio::awaitable<void> serveStream(const Response& response);
  // What is there to send, up to some kilobytes.
  boost::asio::awaitable<EventStream::Text> takeEvents(EventStream& stream);
  // Whether there was a gap.
  static bool collectEvents(EventStream& stream);
  boost::asio::awaitable<void> renew(ReadRight& right);
  boost::asio::awaitable<void> waitForEvents(const ReadRight& right);
  // A client that closes is noticed only by reading.
  boost::asio::awaitable<void> watchClient();
  void wakeUp();

  HttpContext& context_;
  boost::beast::tcp_stream stream_;
  HttpWriter writer_;
  boost::beast::flat_buffer buffer_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer lifetime_;
  const std::string peer_;
  const std::unique_ptr<AddressBounds::Share> share_;
  std::unique_ptr<AddressBounds::Share> body_share_;
  std::unique_ptr<AddressBounds::Share> answer_share_;
  const bool probes_only_;
  bool idle_ = false;  // waiting for a request
  bool draining_ = false;
  bool closed_ = false;  // by the client, while it is told events
  bool woken_ = false;   // there may be events to take
  strata::MonotonicTime next_heartbeat_;
};

}  // namespace copilot
