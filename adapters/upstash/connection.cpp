#include "adapters/upstash/connection.h"

#include <fmt/format.h>

#include <utility>

namespace strata::internal {

using std::chrono::steady_clock;

absl::StatusOr<std::unique_ptr<UpstashConnection>> UpstashConnection::open(
    const UpstashEndpoint& endpoint, const TlsContext* tls, IoTime until) {
  absl::StatusOr<UpstashSocket> socket =
      UpstashSocket::connect(endpoint.host, endpoint.port, until);
  if (!socket.ok()) return socket.status();
  std::unique_ptr<UpstashConnection> opened(new UpstashConnection(*std::move(socket)));
  opened->used_at_ = steady_clock::now();
  if (tls == nullptr) return opened;
  if (absl::Status shaken = opened->shakeHands(*tls, endpoint.host, until); !shaken.ok()) {
    return shaken;
  }
  return opened;
}

UpstashConnection::~UpstashConnection() {
  if (!usable_) socket_.discardOnClose();
}

absl::Status UpstashConnection::shakeHands(const TlsContext& tls, const std::string& host,
                                           IoTime until) {
  absl::StatusOr<TlsSession> session = tls.connect(host);
  if (!session.ok()) return session.status();
  tls_ = *std::move(session);
  while (true) {
    const absl::StatusOr<bool> done = tls_->handshake();
    // Also what tells the server why it is refused. That may fail: the reason is what counts.
    absl::Status sent = flush(until);
    if (!done.ok()) return done.status();
    if (!sent.ok()) return sent;
    if (*done) return absl::OkStatus();
    const auto received = socket_.receive(buffer_.data(), buffer_.size(), until);
    if (!received.ok()) return received.status();
    if (*received == 0) {
      return absl::UnavailableError("TLS: the server closed the connection during the handshake");
    }
    tls_->feed({buffer_.data(), *received});
  }
}

absl::Status UpstashConnection::flush(IoTime until) {
  return socket_.sendAll(tls_->takeOutgoing(), until);
}

absl::Status UpstashConnection::send(std::string_view bytes, IoTime until) {
  if (!tls_) return socket_.sendAll(bytes, until);
  if (absl::Status written = tls_->write(bytes); !written.ok()) return written;
  return flush(until);
}

absl::StatusOr<HttpAnswer> UpstashConnection::exchange(std::string_view request, IoTime until) {
  // Until the answer is whole, nobody may use it again.
  usable_ = false;
  closed_unanswered_ = false;
  absl::StatusOr<HttpAnswer> answer = sendAndReceive(request, until);
  used_at_ = steady_clock::now();
  usable_ = answer.ok() && answer->keep_alive;
  has_answered_ = has_answered_ || answer.ok();
  return answer;
}

absl::StatusOr<HttpAnswer> UpstashConnection::sendAndReceive(std::string_view request,
                                                             IoTime until) {
  const absl::Status sent = send(request, until);
  if (sent.ok()) return receiveAnswer(until);
  closed_unanswered_ = absl::IsUnavailable(sent);
  return sent;
}

absl::StatusOr<HttpAnswer> UpstashConnection::receiveAnswer(IoTime until) {
  HttpAnswerReader reader;
  while (true) {
    const auto received = socket_.receive(buffer_.data(), buffer_.size(), until);
    // A reset is an end like another, to an exchange that nothing came of.
    const bool broke = absl::IsUnavailable(received.status());
    closed_unanswered_ = !reader.hasBegun() && (broke || (received.ok() && *received == 0));
    if (!received.ok()) return received.status();
    if (*received == 0) {
      // With TLS an answer of unknown length cannot be told from one that somebody cut off.
      if (tls_) return absl::UnavailableError("the server closed the connection");
      if (absl::Status ended = reader.end(); !ended.ok()) return ended;
      return reader.take();
    }
    const absl::StatusOr<bool> whole = deliver(*received, reader);
    if (!whole.ok()) return whole.status();
    if (*whole) return reader.take();
  }
}

absl::StatusOr<bool> UpstashConnection::deliver(std::size_t received, HttpAnswerReader& reader) {
  if (!tls_) return reader.feed({buffer_.data(), received});
  tls_->feed({buffer_.data(), received});
  bool whole = false;
  while (true) {
    const absl::StatusOr<std::size_t> read = tls_->read(buffer_.data(), buffer_.size());
    if (absl::IsOutOfRange(read.status())) {
      closed_unanswered_ = !reader.hasBegun();
      if (absl::Status ended = reader.end(); !ended.ok()) return ended;
      return true;
    }
    if (!read.ok()) return read.status();
    if (*read == 0) return whole;
    const absl::StatusOr<bool> fed = reader.feed({buffer_.data(), *read});
    if (!fed.ok()) return fed.status();
    whole = *fed;
  }
}

bool UpstashConnection::isQuiet() {
  while (true) {
    const auto received = socket_.receiveNow(buffer_.data(), buffer_.size());
    if (!received.ok()) return false;
    if (!received->has_value()) return true;
    if (**received == 0 || !tls_) return false;
    // TLS 1.3 sends tickets after the handshake, which are nothing to us.
    tls_->feed({buffer_.data(), **received});
    const absl::StatusOr<std::size_t> read = tls_->read(buffer_.data(), buffer_.size());
    if (!read.ok() || *read > 0) return false;
  }
}

}  // namespace strata::internal
