// Bytes to a client: a slow one goes on being served while it takes something, and one that takes
// nothing is cut off.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "examples/copilot_server/http.h"

namespace copilot {

// On the strand of its socket, which must outlive it.
class HttpWriter {
 public:
  // `patience`: how long a client may take nothing.
  HttpWriter(boost::asio::ip::tcp::socket& socket, std::chrono::nanoseconds patience)
      : socket_(socket), timer_(socket.get_executor()), patience_(patience) {}

  // Whether the system has all of it. `text` must stay until then.
  boost::asio::awaitable<bool> write(std::string_view text);

 private:
  // Until the system takes more; false: the client takes nothing, or is gone.
  boost::asio::awaitable<bool> waitForRoom(std::size_t written);
  // Grows when the client acknowledges something: `written` bytes less those that the system still
  // keeps, which may be of earlier writes too.
  std::int64_t takenOf(std::size_t written) const;

  boost::asio::ip::tcp::socket& socket_;
  boost::asio::steady_timer timer_;
  const std::chrono::nanoseconds patience_;
};

// The whole answer as it is sent.
std::string textOf(const Response& response, bool has_body, bool keep_alive);
// What comes before the events of a stream.
std::string streamHeader(const Response& response);

}  // namespace copilot
