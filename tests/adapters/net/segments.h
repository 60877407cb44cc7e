// Bytes sent in pieces, each of which the other side reads by itself.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "strata/testing/eventually.h"

namespace strata::testing {

using Segments = std::vector<std::string>;

// `text` whole, and cut once and twice in every way.
inline std::vector<Segments> segmentations(const std::string& text) {
  std::vector<Segments> all = {{text}};
  for (std::size_t first = 1; first < text.size(); ++first) {
    all.push_back({text.substr(0, first), text.substr(first)});
    for (std::size_t second = first + 1; second < text.size(); ++second) {
      all.push_back(
          {text.substr(0, first), text.substr(first, second - first), text.substr(second)});
    }
  }
  return all;
}

// Whether the server at the other end of `socket`, on this machine and on IPv4, has taken all bytes
// that were sent to it: what the system holds for its end is in /proc/net/tcp.
inline bool peerHasReadAll(int socket) {
  int unsent = 0;
  if (ioctl(socket, SIOCOUTQ, &unsent) != 0 || unsent > 0) return false;
  sockaddr_in own{};
  socklen_t size = sizeof(own);
  getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size);
  std::ifstream table("/proc/net/tcp");
  std::string line;
  while (std::getline(table, line)) {
    unsigned local_port = 0;
    unsigned remote_port = 0;
    unsigned unread = 0;
    const int found = std::sscanf(line.c_str(), "%*d: %*x:%x %*x:%x %*x %*x:%x", &local_port,
                                  &remote_port, &unread);
    if (found == 3 && remote_port == ntohs(own.sin_port)) return unread == 0;
  }
  return true;  // it has closed
}

// Sends each segment after the other side has taken the one before.
inline void sendSegments(int socket, const Segments& segments) {
  const int no_delay = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay));
  for (const std::string& segment : segments) {
    EXPECT_EQ(::send(socket, segment.data(), segment.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(segment.size()));
    EXPECT_TRUE(eventually([socket] { return peerHasReadAll(socket); }));
  }
}

}  // namespace strata::testing
