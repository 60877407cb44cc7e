#include "testing/servers/proxy_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace strata::testing::internal {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;
// How much a delayed way takes in; a real network would hold less.
constexpr std::size_t kMaxWaitingBytes = std::size_t{64} * 1024 * 1024;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void sendAtOnce(const Socket& socket) {
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// Makes the next close send RST.
void resetOnClose(const Socket& socket) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

// Does not wait for the connection: until it stands, the socket can be neither read nor written,
// and if it cannot be made, reading says so.
Socket connectTo(std::uint16_t port) {
  Socket socket = newSocket();
  const sockaddr_in address = loopback(port);
  (void)connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  sendAtOnce(socket);
  return socket;
}

bool mayTryAgain() { return errno == EAGAIN || errno == EINTR; }

pollfd pollFor(const Socket& socket, bool reading, bool writing) {
  const int events = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0);
  // A descriptor with no events would still wake the thread, again and again, once it is closed.
  return {events == 0 ? -1 : socket.get(), static_cast<short>(events), 0};
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Socket newSocket() {
  return Socket(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool Direction::wantsToRead(const WayFaults& faults) const {
  if (ended_) return false;
  if (discarding_) return true;
  if (faults.silent) return false;
  // Without a delay the sender feels that the receiver is slow.
  return faults.delay > absl::ZeroDuration() ? waiting_bytes_ < kMaxWaitingBytes : chunks_.empty();
}

bool Direction::wantsToWrite(const WayFaults& faults, MonotonicTime now) const {
  return !faults.silent && !chunks_.empty() && chunks_.front().due <= now;
}

MonotonicTime Direction::nextWrite(const WayFaults& faults, MonotonicTime now) const {
  const bool must_wait = !faults.silent && !chunks_.empty() && chunks_.front().due > now;
  return must_wait ? chunks_.front().due : MonotonicTime::max();
}

bool Direction::move(const Socket& from, const Socket& to, WayFaults& faults, MonotonicTime now) {
  if (wantsToRead(faults) && !read(from, faults, now)) return false;
  return !wantsToWrite(faults, now) || writeDue(to, faults, now);
}

bool Direction::read(const Socket& from, const WayFaults& faults, MonotonicTime now) {
  std::string bytes(kChunkBytes, '\0');
  const ssize_t count = recv(from.get(), bytes.data(), bytes.size(), 0);
  if (count < 0) return mayTryAgain();
  ended_ = count == 0;
  if (discarding_) return true;
  bytes.resize(static_cast<std::size_t>(count));
  waiting_bytes_ += bytes.size();
  const MonotonicTime due = now + faults.delay;
  // A shorter delay does not overtake what came before it.
  chunks_.push_back({std::move(bytes), chunks_.empty() ? due : std::max(due, chunks_.back().due)});
  return true;
}

std::size_t Direction::allowed(const Chunk& chunk, WayFaults& faults) {
  const std::size_t count = faults.trickle ? 1 : chunk.bytes.size();
  if (!faults.cut) return count;
  faults.cut->due = faults.cut->due || faults.cut->bytes_left == 0;
  return std::min(count, faults.cut->bytes_left);
}

bool Direction::writeDue(const Socket& to, WayFaults& faults, MonotonicTime now) {
  while (wantsToWrite(faults, now)) {
    Chunk& chunk = chunks_.front();
    if (chunk.bytes.empty()) {
      passEndOn(to);
      return true;
    }
    const std::size_t count = allowed(chunk, faults);
    if (count == 0) return true;
    const ssize_t sent = send(to.get(), chunk.bytes.data(), count, MSG_NOSIGNAL);
    if (sent < 0) return mayTryAgain();
    const auto gone = static_cast<std::size_t>(sent);
    waiting_bytes_ -= gone;
    if (faults.cut) faults.cut->bytes_left -= gone;
    chunk.bytes.erase(0, gone);
    if (chunk.bytes.empty()) chunks_.pop_front();
    if (faults.trickle) return true;
  }
  return true;
}

void Direction::passEndOn(const Socket& to) {
  chunks_.clear();
  waiting_bytes_ = 0;
  if (!std::exchange(end_passed_on_, true)) shutdown(to.get(), SHUT_WR);
}

void Direction::closeInOrder(const Socket& to) {
  discarding_ = true;
  passEndOn(to);
}

Connection::Connection(Socket client, std::uint16_t target_port)
    : client_(std::move(client)), server_(connectTo(target_port)) {
  sendAtOnce(client_);
}

bool Connection::move(Faults& faults, MonotonicTime now) {
  if (!up_.move(client_, server_, faults.to_server, now) ||
      !down_.move(server_, client_, faults.to_client, now)) {
    reset();
    return false;
  }
  return !up_.finished() || !down_.finished();
}

void Connection::reset() {
  resetOnClose(client_);
  resetOnClose(server_);
}

void Connection::closeInOrder() {
  up_.closeInOrder(server_);
  down_.closeInOrder(client_);
}

void Connection::addTo(std::vector<pollfd>& polled, const Faults& faults, MonotonicTime now) const {
  polled.push_back(pollFor(client_, up_.wantsToRead(faults.to_server),
                           down_.wantsToWrite(faults.to_client, now)));
  polled.push_back(pollFor(server_, down_.wantsToRead(faults.to_client),
                           up_.wantsToWrite(faults.to_server, now)));
}

MonotonicTime Connection::nextWrite(const Faults& faults, MonotonicTime now) const {
  return std::min(up_.nextWrite(faults.to_server, now), down_.nextWrite(faults.to_client, now));
}

}  // namespace strata::testing::internal
