#include "adapters/redis/wire/stream.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <utility>

#include "strata/base/status.h"

namespace strata::internal {
namespace {

constexpr std::size_t kRawSize = 16 * 1024;  // about a record of TLS

}  // namespace

absl::StatusOr<RedisStream> RedisStream::open(const RedisAddress& address, const TlsContext* tls,
                                              std::chrono::nanoseconds patience, IoTime until) {
  absl::StatusOr<RedisSocket> socket = RedisSocket::connect(address, patience, until);
  if (!socket.ok()) return socket.status();
  RedisStream stream(*std::move(socket));
  if (tls == nullptr) return stream;
  absl::StatusOr<TlsSession> session = tls->connect(address.host);
  if (!session.ok()) return session.status();
  stream.session_ = *std::move(session);
  if (absl::Status met = stream.shakeHands(until); !met.ok()) return met;
  return stream;
}

absl::Status RedisStream::shakeHands(IoTime until) {
  std::array<char, kRawSize> raw;
  while (true) {
    const absl::StatusOr<bool> done = session_->handshake();
    // Also after an error: it may have something to tell the server.
    unsent_ += session_->takeOutgoing();
    absl::Status sent = flush(until);
    if (!done.ok()) return done.status();
    if (!sent.ok() || *done) return sent;
    const absl::StatusOr<std::size_t> received = receiveRaw(raw.data(), raw.size(), &until);
    if (!received.ok()) return annotate(received.status(), "TLS handshake");
    session_->feed({raw.data(), *received});
  }
}

absl::Status RedisStream::send(std::string_view bytes, IoTime until) {
  if (session_) {
    if (absl::Status written = session_->write(bytes); !written.ok()) return written;
    unsent_ += session_->takeOutgoing();
    return flush(until);
  }
  if (unsent_.empty()) {
    const absl::StatusOr<std::size_t> sent = socket_.sendSome(bytes);
    if (!sent.ok()) return sent.status();
    bytes.remove_prefix(*sent);
    if (bytes.empty()) return absl::OkStatus();
  }
  unsent_ += bytes;
  return flush(until);
}

absl::Status RedisStream::flush(IoTime until) {
  while (!unsent_.empty()) {
    const absl::StatusOr<std::size_t> sent = socket_.sendSome(unsent_);
    if (!sent.ok()) return sent.status();
    explicit_bzero(unsent_.data(), *sent);
    unsent_.erase(0, *sent);
    if (unsent_.empty()) break;
    if (absl::Status ready = socket_.await(/*or_sent=*/true, until); !ready.ok()) return ready;
    if (absl::Status kept = keepWhatArrived(); !kept.ok()) return kept;
  }
  return absl::OkStatus();
}

absl::Status RedisStream::keepWhatArrived() {
  if (socket_.isQuiet()) return absl::OkStatus();
  std::array<char, kRawSize> raw;
  const absl::StatusOr<std::size_t> received =
      socket_.receive(raw.data(), raw.size(), std::chrono::steady_clock::now());
  if (received.ok()) early_.append(raw.data(), *received);
  return received.status();
}

absl::StatusOr<std::size_t> RedisStream::receiveRaw(char* buffer, std::size_t size,
                                                    const IoTime* until) {
  if (!early_.empty()) {
    const std::size_t taken = early_.copy(buffer, size);
    early_.erase(0, taken);
    return taken;
  }
  return until == nullptr ? socket_.receivePatiently(buffer, size)
                          : socket_.receive(buffer, size, *until);
}

absl::StatusOr<std::size_t> RedisStream::receiveAny(char* buffer, std::size_t size,
                                                    const IoTime* until) {
  if (!session_) return receiveRaw(buffer, size, until);
  std::array<char, kRawSize> raw;
  for (bool has_waited = false;; has_waited = true) {
    absl::StatusOr<std::size_t> read = session_->read(buffer, size);
    if (absl::IsOutOfRange(read.status())) {
      return absl::UnavailableError("the server closed the connection");
    }
    if (!read.ok() || *read > 0 || (has_waited && until == nullptr)) return read;
    const absl::StatusOr<std::size_t> received = receiveRaw(raw.data(), raw.size(), until);
    if (!received.ok()) return received.status();
    session_->feed({raw.data(), *received});
  }
}

absl::StatusOr<std::size_t> RedisStream::receive(char* buffer, std::size_t size, IoTime until) {
  return receiveAny(buffer, size, &until);
}

absl::StatusOr<std::size_t> RedisStream::receivePatiently(char* buffer, std::size_t size) {
  return receiveAny(buffer, size, nullptr);
}

}  // namespace strata::internal
