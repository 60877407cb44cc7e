// What a client of a service sees: curl, and a bare socket for what curl does not do.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "testing/servers/server_process.h"

namespace strata::testing {

struct HttpReply {
  int status = 0;  // 0: there was none
  // By their names in lower case.
  std::map<std::string, std::string> headers;
  std::string body;

  // Null when the body is none.
  boost::json::value json() const;
  // A member of the body that is a text; "" when there is none.
  std::string text(std::string_view member) const;
};

// Runs curl with these arguments, and waits for it.
HttpReply curl(const std::string& folder, const std::vector<std::string>& arguments);

// A curl that goes on reading a stream of events.
class EventReader {
 public:
  EventReader(internal::Guard& guard, std::string log, const std::vector<std::string>& arguments);
  ~EventReader();

  std::string text() const;
  // Whether it has read this at some time within ten seconds, or so many times.
  bool reads(std::string_view expected, int times = 1) const;
  // Whether the server ended the stream.
  bool hasEnded();

 private:
  std::string log_;
  internal::ServerProcess process_;
};

// One connection to a port of 127.0.0.1.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return connected_; }
  int socket() const { return socket_; }
  void send(std::string_view bytes) const;
  // Nothing more will be sent.
  void endSending() const;
  // Everything until the server closes.
  std::string readAll() const;

 private:
  int socket_;
  bool connected_;
};

}  // namespace strata::testing
