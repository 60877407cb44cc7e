#include "adapters/redis/wire/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
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

absl::Status connectTo(int fd, const sockaddr* address, socklen_t length, IoTime until) {
  if (::connect(fd, address, length) == 0) return absl::OkStatus();
  // EAGAIN is a Unix socket whose server has too many waiting already.
  if (errno != EINPROGRESS && errno != EINTR) return broken("cannot connect", errno);
  if (absl::Status ready = waitFor(fd, POLLOUT, until); !ready.ok()) return ready;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? absl::OkStatus() : broken("cannot connect", error);
}

int newSocket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// From here on a plain recv waits, for as long as `patience`; whoever must not wait says so.
absl::Status makePatient(int fd, std::chrono::nanoseconds patience) {
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(patience);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(micros);
  const timeval timeout{.tv_sec = seconds.count(), .tv_usec = (micros - seconds).count()};
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
    return broken("cannot set up a socket", errno);
  }
  return absl::OkStatus();
}

void tune(int fd) {
  const int on = 1;
  // These only make it faster to answer and to notice a dead host; without them it works too.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<AddressList> resolve(const RedisAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int error = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found)) {
    return absl::UnavailableError(fmt::format("cannot resolve the host: {}", gai_strerror(error)));
  }
  return AddressList(found, freeaddrinfo);
}

}  // namespace

RedisSocket::RedisSocket(RedisSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), interrupt_(other.interrupt_) {}

RedisSocket::~RedisSocket() {
  if (fd_ < 0) return;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::close(fd_);
}

absl::StatusOr<RedisSocket> RedisSocket::connect(const RedisAddress& address,
                                                 std::chrono::nanoseconds patience, IoTime until) {
  absl::StatusOr<RedisSocket> connected =
      address.host.empty() ? connectUnix(address, until) : connectTcp(address, until);
  if (!connected.ok()) return connected;
  if (absl::Status made = makePatient(connected->fd_, patience); !made.ok()) return made;
  return connected;
}

absl::StatusOr<RedisSocket> RedisSocket::connectUnix(const RedisAddress& address, IoTime until) {
  RedisSocket connection(newSocket(AF_UNIX));
  if (connection.fd_ < 0) return broken("cannot open a socket", errno);
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, address.socket_path.data(), address.socket_path.size());
  const absl::Status connected =
      connectTo(connection.fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where, until);
  if (!connected.ok()) return connected;
  return connection;
}

absl::StatusOr<RedisSocket> RedisSocket::connectTcp(const RedisAddress& address, IoTime until) {
  const absl::StatusOr<AddressList> addresses = resolve(address);
  if (!addresses.ok()) return addresses.status();
  absl::Status failed = absl::UnavailableError("the host has no address");
  for (const addrinfo* at = addresses->get(); at != nullptr; at = at->ai_next) {
    RedisSocket connection(newSocket(at->ai_family));
    if (connection.fd_ < 0) return broken("cannot open a socket", errno);
    tune(connection.fd_);
    failed = connectTo(connection.fd_, at->ai_addr, at->ai_addrlen, until);
    if (failed.ok()) return connection;
  }
  return failed;
}

absl::StatusOr<std::size_t> RedisSocket::sendSome(std::string_view bytes) {
  while (true) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return broken("sending", errno);
  }
}

absl::Status RedisSocket::await(bool or_sent, IoTime until) const {
  return waitFor(fd_, static_cast<short>(or_sent ? POLLIN | POLLOUT : POLLIN), until, interrupt_);
}

absl::StatusOr<std::size_t> RedisSocket::receiveWith(char* buffer, std::size_t size, int flags) {
  while (true) {
    const ssize_t received = ::recv(fd_, buffer, size, flags);
    if (received > 0) return static_cast<std::size_t>(received);
    if (received == 0) return absl::UnavailableError("the server closed the connection");
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return absl::DeadlineExceededError("no answer in time");
    }
    if (errno != EINTR) return broken("receiving", errno);
  }
}

absl::StatusOr<std::size_t> RedisSocket::receivePatiently(char* buffer, std::size_t size) {
  return receiveWith(buffer, size, 0);
}

absl::StatusOr<std::size_t> RedisSocket::receive(char* buffer, std::size_t size, IoTime until) {
  while (true) {
    // Waiting first would cost a system call more, but an answer is rarely there already.
    if (absl::Status ready = await(false, until); !ready.ok()) return ready;
    absl::StatusOr<std::size_t> received = receiveWith(buffer, size, MSG_DONTWAIT);
    if (!absl::IsDeadlineExceeded(received.status())) return received;
  }
}

void RedisSocket::shutdown() { ::shutdown(fd_, SHUT_RDWR); }

bool RedisSocket::isQuiet() const {
  pollfd now{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&now, 1, 0) == 0;
}

}  // namespace strata::internal
