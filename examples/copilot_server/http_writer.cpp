#include "examples/copilot_server/http_writer.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/status.hpp>

namespace copilot {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

}  // namespace

asio::awaitable<bool> HttpWriter::write(std::string_view text) {
  error_code error;
  socket_.non_blocking(true, error);
  std::size_t written = 0;
  while (!error && written < text.size()) {
    written += socket_.write_some(asio::buffer(text.substr(written)), error);
    if (error != asio::error::would_block) continue;
    error = {};
    const bool has_room = co_await waitForRoom(written);
    if (!has_room) co_return false;
  }
  co_return !error;
}

std::int64_t HttpWriter::takenOf(std::size_t written) const {
  int unacknowledged = 0;
  // SIOCOUTQ never fails on a connected socket.
  (void)ioctl(const_cast<asio::ip::tcp::socket&>(socket_).native_handle(), SIOCOUTQ,
              &unacknowledged);
  return static_cast<std::int64_t>(written) - unacknowledged;
}

asio::awaitable<bool> HttpWriter::waitForRoom(std::size_t written) {
  using asio::experimental::awaitable_operators::operator||;
  std::int64_t taken = takenOf(written);
  while (true) {
    timer_.expires_after(patience_);
    // Waiting, and not writing: a write that is given up could have been half done.
    const auto first = co_await (socket_.async_wait(asio::ip::tcp::socket::wait_write, kToken) ||
                                 timer_.async_wait(kToken));
    if (first.index() == 0) co_return !std::get<0>(std::get<0>(first));
    // The system reports room only for a good part of its buffer, which a slow client takes long for.
    const std::int64_t now = takenOf(written);
    if (now <= taken) co_return false;
    taken = now;
  }
}

std::string textOf(const Response& response, bool has_body, bool keep_alive) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  std::string text =
      "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(reason) + "\r\n";
  const bool may_have_body = response.status != 204;
  if (may_have_body) text += "Content-Type: " + response.content_type + "\r\n";
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
  if (!keep_alive) text += "Connection: close\r\n";
  if (may_have_body) text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  text += "\r\n";
  if (may_have_body && has_body) text += response.body;
  return text;
}

std::string streamHeader(const Response& response) {
  std::string header =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
      "X-Accel-Buffering: no\r\nConnection: close\r\n";
  for (const auto& [name, value] : response.headers) header += name + ": " + value + "\r\n";
  return header + "\r\n";
}

}  // namespace copilot
