// The server's side of a connection, for tests of the client's: plain system calls that block.
//
//   const Listener listener;
//   auto socket = Socket::connect({&listener.address(), 1}, soon());
//   const Peer peer = listener.accept();
//   peer.send("x");
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/net/socket.h"

namespace strata::internal {

// Far enough for a busy machine, near enough that a test which hangs fails.
inline IoTime soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer& operator=(Peer&&) = delete;
  ~Peer() { close(); }

  int fd() const { return fd_; }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // That many bytes, or fewer if the connection ends before.
  std::string receive(std::size_t size) const {
    std::string bytes(size, '\0');
    std::size_t at = 0;
    while (at < size) {
      const ssize_t received = ::recv(fd_, bytes.data() + at, size - at, 0);
      if (received <= 0) break;
      at += static_cast<std::size_t>(received);
    }
    bytes.resize(at);
    return bytes;
  }
  // 0: the client has ended the connection in good order; otherwise the number of an error.
  int receiveEnd() const {
    char byte = 0;
    const ssize_t received = ::recv(fd_, &byte, 1, 0);
    EXPECT_LE(received, 0) << "something was sent";
    return received == 0 ? 0 : errno;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }

 private:
  int fd_;
};

// Listens on a free port of 127.0.0.1.
class Listener {
 public:
  // kRefuses: it only holds the port. kNever: nobody gets through, as to a host that is gone.
  enum class Answers : std::uint8_t { kYes, kRefuses, kNever };

  // Of another host than 127.0.0.1 if `host` is above 1.
  explicit Listener(Answers answers = Answers::kYes, std::uint16_t port = 0, unsigned host = 1)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd_, generic, size), 0);
    if (answers != Answers::kRefuses) {
      EXPECT_EQ(::listen(fd_, answers == Answers::kYes ? 16 : 0), 0);
    }
    EXPECT_EQ(::getsockname(fd_, generic, &size), 0);
    std::memcpy(&address_.storage, &address, size);
    address_.length = size;
    port_ = ntohs(address.sin_port);
    if (answers == Answers::kNever) fill();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    for (const int fd : fillers_) ::close(fd);
    ::close(fd_);
  }

  std::uint16_t port() const { return port_; }
  const SocketAddress& address() const { return address_; }
  Peer accept() const {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(fd, 0);
    return Peer(fd);
  }

 private:
  // Until the kernel drops what else wants to connect.
  void fill() {
    pollfd connecting{.fd = -1, .events = POLLOUT, .revents = 0};
    do {
      connecting.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      fillers_.push_back(connecting.fd);
      ::connect(connecting.fd, address_.get(), address_.length);
    } while (::poll(&connecting, 1, 100) == 1);
  }

  const int fd_;
  std::vector<int> fillers_;
  SocketAddress address_;
  std::uint16_t port_ = 0;
};

}  // namespace strata::internal
