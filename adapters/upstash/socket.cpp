#include "adapters/upstash/socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace strata::internal {
namespace {

absl::Status broken(std::string_view what, int error) {
  return absl::UnavailableError(fmt::format("{}: {}", what, std::system_category().message(error)));
}

// Ok as soon as one of `events`, an error or the end shows; DeadlineExceeded after `until`.
absl::Status waitFor(int fd, short events, IoTime until) {
  using std::chrono::nanoseconds;
  while (true) {
    const nanoseconds left = std::max(until - std::chrono::steady_clock::now(), nanoseconds(0));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    pollfd waiting{.fd = fd, .events = events, .revents = 0};
    const int ready = ppoll(&waiting, 1, &timeout, nullptr);
    if (ready > 0) return absl::OkStatus();
    if (ready == 0) return absl::DeadlineExceededError("no answer in time");
    if (errno != EINTR) return broken("waiting for the server", errno);
  }
}

absl::Status connectTo(int fd, const addrinfo& address, IoTime until) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return absl::OkStatus();
  if (errno != EINPROGRESS && errno != EINTR) return broken("cannot connect", errno);
  if (absl::Status ready = waitFor(fd, POLLOUT, until); !ready.ok()) return ready;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? absl::OkStatus() : broken("cannot connect", error);
}

void tune(int fd) {
  const int on = 1;
  // These only make it faster to answer and to notice a dead host; without them it works too.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<AddressList> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) {
    return absl::UnavailableError(fmt::format("cannot resolve the host: {}", gai_strerror(error)));
  }
  return AddressList(found, freeaddrinfo);
}

}  // namespace

UpstashSocket::UpstashSocket(UpstashSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

UpstashSocket::~UpstashSocket() {
  if (fd_ >= 0) ::close(fd_);
}

void UpstashSocket::discardOnClose() {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

absl::StatusOr<UpstashSocket> UpstashSocket::connect(const std::string& host, std::uint16_t port,
                                                     IoTime until) {
  const absl::StatusOr<AddressList> addresses = resolve(host, port);
  if (!addresses.ok()) return addresses.status();
  absl::Status failed = absl::UnavailableError("the host has no address");
  for (const addrinfo* at = addresses->get(); at != nullptr; at = at->ai_next) {
    UpstashSocket made(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (made.fd_ < 0) {
      failed = broken("cannot open a socket", errno);
      continue;
    }
    tune(made.fd_);
    failed = connectTo(made.fd_, *at, until);
    if (failed.ok()) return made;
  }
  return failed;
}

absl::Status UpstashSocket::sendAll(std::string_view bytes, IoTime until) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (absl::Status ready = waitFor(fd_, POLLOUT, until); !ready.ok()) return ready;
    } else if (errno != EINTR) {
      return broken("sending", errno);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> UpstashSocket::receive(char* buffer, std::size_t size, IoTime until) {
  while (true) {
    // Waiting first would cost a system call more, but an answer is rarely there already.
    if (absl::Status ready = waitFor(fd_, POLLIN, until); !ready.ok()) return ready;
    const auto received = receiveNow(buffer, size);
    if (!received.ok()) return received.status();
    if (received->has_value()) return **received;
  }
}

absl::StatusOr<std::optional<std::size_t>> UpstashSocket::receiveNow(char* buffer,
                                                                     std::size_t size) {
  const ssize_t received = ::recv(fd_, buffer, size, 0);
  if (received >= 0) return static_cast<std::size_t>(received);
  if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
  return broken("receiving", errno);
}

}  // namespace strata::internal
