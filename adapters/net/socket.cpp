#include "adapters/net/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace strata::internal {
namespace {

absl::Status broken(std::string_view what, int error) {
  return absl::UnavailableError(fmt::format("{}: {}", what, std::system_category().message(error)));
}

// Ok as soon as one of `events`, an error or the end shows; DeadlineExceeded after `until`.
absl::Status waitFor(int fd, short events, IoTime until, int interrupt = -1) {
  using std::chrono::nanoseconds;
  while (true) {
    const nanoseconds left = std::max(until - std::chrono::steady_clock::now(), nanoseconds(0));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    std::array<pollfd, 2> waiting{{{.fd = fd, .events = events, .revents = 0},
                                   {.fd = interrupt, .events = POLLIN, .revents = 0}}};
    const int ready = ppoll(waiting.data(), interrupt < 0 ? 1 : 2, &timeout, nullptr);
    if (ready > 0 && waiting[0].revents != 0) return absl::OkStatus();
    if (ready >= 0) return absl::DeadlineExceededError("no answer in time");
    if (errno != EINTR) return broken("waiting for the server", errno);
  }
}

absl::Status finishConnecting(int fd, const SocketAddress& address, IoTime until) {
  if (::connect(fd, address.get(), address.length) == 0) return absl::OkStatus();
  // EAGAIN is a Unix socket whose server has too many waiting already.
  if (errno != EINPROGRESS && errno != EINTR) return broken("cannot connect", errno);
  if (absl::Status ready = waitFor(fd, POLLOUT, until); !ready.ok()) return ready;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? absl::OkStatus() : broken("cannot connect", error);
}

// Only for lower latency and for noticing a dead host; a connection works without.
void tuneTcp(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

// ---- Opening and closing ----

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      interrupt_(other.interrupt_),
      discards_on_close_(other.discards_on_close_) {}

Socket::~Socket() {
  if (fd_ < 0) return;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  if (discards_on_close_) setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::close(fd_);
}

absl::StatusOr<Socket> Socket::connect(absl::Span<const SocketAddress> addresses, IoTime until) {
  absl::Status failed = absl::UnavailableError("the host has no address");
  for (const SocketAddress& address : addresses) {
    absl::StatusOr<Socket> connected = connectTo(address, until);
    if (connected.ok()) return connected;
    failed = connected.status();
  }
  return failed;
}

absl::StatusOr<Socket> Socket::connectTo(const SocketAddress& address, IoTime until) {
  Socket made(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made.fd_ < 0) return broken("cannot open a socket", errno);
  if (address.family() != AF_UNIX) tuneTcp(made.fd_);
  absl::Status connected = finishConnecting(made.fd_, address, until);
  if (!connected.ok()) return connected;
  return made;
}

void Socket::shutdown() { ::shutdown(fd_, SHUT_RDWR); }

// ---- Sending ----

absl::StatusOr<std::size_t> Socket::sendSome(std::string_view bytes) {
  while (true) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return broken("sending", errno);
  }
}

absl::Status Socket::await(bool or_sent, IoTime until) const {
  return waitFor(fd_, static_cast<short>(or_sent ? POLLIN | POLLOUT : POLLIN), until, interrupt_);
}

// ---- Receiving ----

absl::StatusOr<std::size_t> Socket::receiveWith(char* buffer, std::size_t size, int flags) {
  while (true) {
    const ssize_t received = ::recv(fd_, buffer, size, flags);
    if (received > 0) return static_cast<std::size_t>(received);
    if (received == 0) return absl::OutOfRangeError("the server closed the connection");
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return absl::DeadlineExceededError("no answer in time");
    }
    if (errno != EINTR) return broken("receiving", errno);
  }
}

absl::StatusOr<std::size_t> Socket::receiveNow(char* buffer, std::size_t size) {
  return receiveWith(buffer, size, MSG_DONTWAIT);
}

absl::StatusOr<std::size_t> Socket::receivePatiently(char* buffer, std::size_t size) {
  return receiveWith(buffer, size, 0);
}

absl::StatusOr<std::size_t> Socket::receive(char* buffer, std::size_t size, IoTime until) {
  while (true) {
    // Waiting first would cost a system call more, but an answer is rarely there already.
    if (absl::Status ready = await(false, until); !ready.ok()) return ready;
    absl::StatusOr<std::size_t> received = receiveNow(buffer, size);
    if (!absl::IsDeadlineExceeded(received.status())) return received;
  }
}

// A plain recv waits from here on; every other call says MSG_DONTWAIT.
absl::Status Socket::setPatience(std::chrono::nanoseconds patience) {
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(patience);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(micros);
  const timeval timeout{.tv_sec = seconds.count(), .tv_usec = (micros - seconds).count()};
  const int flags = fcntl(fd_, F_GETFL);
  if (flags < 0 || fcntl(fd_, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
      setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
    return broken("cannot set up a socket", errno);
  }
  return absl::OkStatus();
}

bool Socket::isQuiet() const {
  pollfd now{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&now, 1, 0) == 0;
}

}  // namespace strata::internal
