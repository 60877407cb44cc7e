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
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include "src/base/starved_wait.h"

namespace strata::internal {
namespace {

absl::Status broken(std::string_view what, int error) {
  return absl::UnavailableError(fmt::format("{}: {}", what, std::system_category().message(error)));
}

absl::Status inherited() {
  return absl::UnavailableError("the connection belongs to the process that this one is a fork of");
}

absl::Status noAnswer() { return absl::DeadlineExceededError("no answer in time"); }

// Waits for one of `files`, at most until then: how many show something. The kernel looks once more
// before it says that the time is over.
absl::StatusOr<int> pollUntil(absl::Span<pollfd> files, IoTime until) {
  using std::chrono::nanoseconds;
  while (true) {
    const nanoseconds left = std::max(until - std::chrono::steady_clock::now(), nanoseconds(0));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    const int ready = ppoll(files.data(), files.size(), &timeout, nullptr);
    if (ready >= 0) return ready;
    if (errno != EINTR) return broken("waiting for the server", errno);
  }
}

// The same, and once more where this thread was starved. DeadlineExceeded: nothing shows.
absl::Status await(absl::Span<pollfd> files, IoTime until) {
  StarvedWaitScope* const scope = StarvedWaitScope::current();
  while (true) {
    const IoTime end = scope == nullptr ? until : scope->endOf(until);
    const absl::StatusOr<int> ready = pollUntil(files, end);
    if (!ready.ok()) return ready.status();
    if (*ready > 0) return absl::OkStatus();
    if (scope == nullptr || !scope->repeats(end)) return noAnswer();
  }
}

// Ok as soon as one of `events`, an error or the end shows; DeadlineExceeded after `until`, or when
// only `interrupt` shows something.
absl::Status waitFor(int fd, short events, IoTime until, int interrupt) {
  std::array<pollfd, 2> files{{{.fd = fd, .events = events, .revents = 0},
                               {.fd = interrupt, .events = POLLIN, .revents = 0}}};
  const std::size_t count = interrupt < 0 ? 1 : 2;
  absl::Status ready = await(absl::Span<pollfd>(files).first(count), until);
  return ready.ok() && files[0].revents == 0 ? noAnswer() : ready;
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
      made_in_(other.made_in_),
      interrupt_(other.interrupt_),
      discards_on_close_(other.discards_on_close_) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(made_in_, other.made_in_);
  std::swap(interrupt_, other.interrupt_);
  std::swap(discards_on_close_, other.discards_on_close_);
  return *this;
}

Socket::~Socket() {
  if (fd_ < 0) return;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  if (discards_on_close_ && !isInherited()) {
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  ::close(fd_);
}

absl::StatusOr<Socket> Socket::begin(const SocketAddress& address) {
  Socket made(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made.fd_ < 0) return broken("cannot open a socket", errno);
  if (address.family() != AF_UNIX) tuneTcp(made.fd_);
  const bool is_begun = ::connect(made.fd_, address.get(), address.length) == 0 ||
                        errno == EINPROGRESS || errno == EINTR;
  // EAGAIN is a Unix socket whose server has too many waiting already.
  if (!is_begun) return broken("cannot connect", errno);
  return made;
}

absl::Status Socket::connected() const {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? absl::OkStatus() : broken("cannot connect", error);
}

// Connections to several addresses under way: "happy eyeballs".
class Connecting {
 public:
  Connecting(std::vector<SocketAddress>& addresses, IoTime until)
      : addresses_(addresses), until_(until) {}

  absl::StatusOr<Socket> run() {
    while (true) {
      if (tried_ < addresses_.size() && isNextDue()) beginNext();
      if (tries_.empty() && tried_ == addresses_.size()) return failed_;
      if (absl::Status waited = waitForOne(); !waited.ok()) return waited;
      if (std::optional<Socket> socket = takeOne()) return *std::move(socket);
    }
  }

 private:
  bool isNextDue() const { return tries_.empty() || std::chrono::steady_clock::now() >= next_at_; }

  void beginNext() {
    absl::StatusOr<Socket> begun = Socket::begin(addresses_[tried_]);
    if (!begun.ok()) return drop(tried_, begun.status());
    tries_.push_back(*std::move(begun));
    ++tried_;
    next_at_ = std::chrono::steady_clock::now() + delay();
  }

  // The least and the most that the RFC allows and recommends; a short time is shared out.
  std::chrono::nanoseconds delay() const {
    constexpr std::chrono::nanoseconds kLeast = std::chrono::milliseconds(10);
    constexpr std::chrono::nanoseconds kMost = std::chrono::milliseconds(250);
    const IoTime now = std::chrono::steady_clock::now();
    const std::size_t left = addresses_.size() - tried_ + 1;
    return std::clamp<std::chrono::nanoseconds>(endOfShare(until_, left) - now, kLeast, kMost);
  }

  absl::Status waitForOne() {
    files_.clear();
    for (const Socket& socket : tries_) {
      files_.push_back({.fd = socket.fd_, .events = POLLOUT, .revents = 0});
    }
    const bool is_last = tried_ == addresses_.size();
    if (is_last || next_at_ >= until_) return await(absl::MakeSpan(files_), until_);
    return pollUntil(absl::MakeSpan(files_), next_at_).status();
  }

  // One that has connected; those that failed are dropped.
  std::optional<Socket> takeOne() {
    for (std::size_t i = files_.size(); i-- > 0;) {
      if (files_[i].revents == 0) continue;
      if (const absl::Status connected = tries_[i].connected(); !connected.ok()) {
        tries_.erase(tries_.begin() + static_cast<std::ptrdiff_t>(i));
        --tried_;
        drop(i, connected);
        continue;
      }
      std::optional<Socket> taken(std::move(tries_[i]));
      addresses_.erase(addresses_.begin() + static_cast<std::ptrdiff_t>(i));
      return taken;
    }
    return std::nullopt;
  }

  void drop(std::size_t index, const absl::Status& why) {
    addresses_.erase(addresses_.begin() + static_cast<std::ptrdiff_t>(index));
    failed_ = why;
    next_at_ = {};
  }

  std::vector<SocketAddress>& addresses_;
  const IoTime until_;
  // Under way, to the address of the same index.
  std::vector<Socket> tries_;
  // How many of the addresses have been tried and have not failed: the first ones.
  std::size_t tried_ = 0;
  IoTime next_at_{};
  std::vector<pollfd> files_;
  absl::Status failed_ = absl::UnavailableError("the host has no address");
};

absl::StatusOr<Socket> Socket::connectToOneOf(std::vector<SocketAddress>& addresses, IoTime until) {
  return Connecting(addresses, until).run();
}

absl::StatusOr<Socket> Socket::connect(absl::Span<const SocketAddress> addresses, IoTime until) {
  std::vector<SocketAddress> left(addresses.begin(), addresses.end());
  return connectToOneOf(left, until);
}

void Socket::shutdown() {
  if (!isInherited()) ::shutdown(fd_, SHUT_RDWR);
}

// ---- Sending ----

absl::StatusOr<std::size_t> Socket::sendSome(std::string_view bytes) {
  if (isInherited()) return inherited();
  while (true) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return broken("sending", errno);
  }
}

absl::Status Socket::await(bool or_sent, IoTime until) const {
  if (isInherited()) return inherited();
  return waitFor(fd_, static_cast<short>(or_sent ? POLLIN | POLLOUT : POLLIN), until, interrupt_);
}

// ---- Receiving ----

absl::StatusOr<std::size_t> Socket::receiveWith(char* buffer, std::size_t size, int flags) {
  if (isInherited()) return inherited();
  while (true) {
    const ssize_t received = ::recv(fd_, buffer, size, flags);
    if (received > 0) return static_cast<std::size_t>(received);
    if (received == 0) return absl::OutOfRangeError("the server closed the connection");
    if (errno == EAGAIN || errno == EWOULDBLOCK) return noAnswer();
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
  if (isInherited()) return false;
  pollfd now{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&now, 1, 0) == 0;
}

}  // namespace strata::internal
