#include "adapters/net/stream.h"

#include <string.h>

#include <array>
#include <optional>

#include "strata/base/status.h"

namespace strata::internal {
namespace {

constexpr std::size_t kRawSize = 16 * 1024;  // about a record of TLS

absl::Status closedByServer() { return absl::UnavailableError("the server closed the connection"); }

}  // namespace

// ---- Opening ----

absl::StatusOr<Stream> Stream::open(const std::string& host, std::uint16_t port,
                                    const StreamOptions& options, IoTime until) {
  std::optional<Stream> met;
  const auto take = [&met](Stream stream, IoTime /*until*/) {
    met.emplace(std::move(stream));
    return absl::OkStatus();
  };
  if (absl::Status opened = openAndMeet(host, port, options, until, take); !opened.ok()) {
    return opened;
  }
  return *std::move(met);
}

// A host may accept and then be silent, as one does whose program hangs.
absl::Status Stream::openAndMeet(const std::string& host, std::uint16_t port,
                                 const StreamOptions& options, IoTime until, Meet meet) {
  Resolver& resolver = options.resolver == nullptr ? Resolver::system() : *options.resolver;
  absl::StatusOr<std::vector<SocketAddress>> addresses = resolver.resolve(host, port, until);
  if (!addresses.ok()) return addresses.status();
  absl::Status failed;
  while (true) {
    absl::StatusOr<Socket> socket = Socket::connectToOneOf(*addresses, until);
    // What a server said tells more than that another is not there.
    if (!socket.ok()) return failed.ok() ? socket.status() : failed;
    const IoTime share = endOfShare(until, addresses->size() + 1);
    absl::StatusOr<Stream> stream = over(*std::move(socket), host, options, share);
    failed = stream.ok() ? meet(*std::move(stream), share) : stream.status();
    const bool may_be_better_elsewhere =
        absl::IsUnavailable(failed) || absl::IsDeadlineExceeded(failed);
    if (!may_be_better_elsewhere || addresses->empty()) return failed;
  }
}

absl::StatusOr<Stream> Stream::openUnix(const std::string& path, const StreamOptions& options,
                                        IoTime until) {
  if (options.tls != nullptr) {
    return absl::InvalidArgumentError("TLS over a Unix socket, which has no host name to verify");
  }
  const absl::StatusOr<SocketAddress> address = unixSocketAddress(path);
  if (!address.ok()) return address.status();
  absl::StatusOr<Socket> socket = Socket::connect({&*address, 1}, until);
  if (!socket.ok()) return socket.status();
  return over(*std::move(socket), /*host=*/"", options, until);
}

absl::StatusOr<Stream> Stream::over(Socket socket, const std::string& host,
                                    const StreamOptions& options, IoTime until) {
  if (options.discard_on_close) socket.discardOnClose();
  if (options.patience > options.patience.zero()) {
    if (absl::Status set = socket.setPatience(options.patience); !set.ok()) return set;
  }
  Stream stream(std::move(socket));
  if (options.tls == nullptr) return stream;
  absl::StatusOr<TlsSession> session = options.tls->connect(host);
  if (!session.ok()) return session.status();
  stream.session_ = *std::move(session);
  if (absl::Status met = stream.shakeHands(until); !met.ok()) return met;
  return stream;
}

absl::Status Stream::shakeHands(IoTime until) {
  std::array<char, kRawSize> raw;
  while (true) {
    const absl::StatusOr<bool> done = session_->handshake();
    // Also after an error: an alert tells the server why it is refused. Should that fail, the error
    // is still what counts.
    queue(session_->takeOutgoing());
    absl::Status sent = flush(until);
    if (!done.ok()) return done.status();
    if (!sent.ok() || *done) return sent;
    const absl::StatusOr<std::size_t> received = receiveRaw(raw.data(), raw.size(), &until);
    if (!received.ok()) return annotate(ended(received.status()), "TLS handshake");
    session_->feed({raw.data(), *received});
  }
}

// ---- Sending ----

absl::Status Stream::send(std::string_view bytes, IoTime until) {
  if (session_) {
    if (absl::Status written = session_->write(bytes); !written.ok()) return written;
    queue(session_->takeOutgoing());
    return flush(until);
  }
  if (unsent_.empty()) {
    const absl::StatusOr<std::size_t> sent = socket_.sendSome(bytes);
    if (!sent.ok()) return sent.status();
    bytes.remove_prefix(*sent);
    if (bytes.empty()) return absl::OkStatus();
  }
  queue(bytes);
  return flush(until);
}

void Stream::queue(std::string_view bytes) {
  unsent_.erase(0, std::exchange(flushed_, 0));
  unsent_ += bytes;
}

absl::Status Stream::flush(IoTime until) {
  while (!unsent_.empty()) {
    const std::string_view rest = std::string_view(unsent_).substr(flushed_);
    const absl::StatusOr<std::size_t> sent = socket_.sendSome(rest);
    if (!sent.ok()) return sent.status();
    explicit_bzero(unsent_.data() + flushed_, *sent);
    flushed_ += *sent;
    if (flushed_ == unsent_.size()) {
      unsent_.clear();
      flushed_ = 0;
      break;
    }
    if (absl::Status ready = socket_.await(/*or_sent=*/true, until); !ready.ok()) return ready;
    if (absl::Status kept = keepWhatArrived(); !kept.ok()) return kept;
  }
  return absl::OkStatus();
}

absl::Status Stream::keepWhatArrived() {
  std::array<char, kRawSize> raw;
  const absl::StatusOr<std::size_t> received = socket_.receiveNow(raw.data(), raw.size());
  if (absl::IsDeadlineExceeded(received.status())) return absl::OkStatus();
  if (!received.ok()) return ended(received.status());
  early_.append(raw.data(), *received);
  return absl::OkStatus();
}

// ---- Receiving ----

absl::StatusOr<std::size_t> Stream::receiveRaw(char* buffer, std::size_t size,
                                               const IoTime* until) {
  if (!early_.empty()) {
    const std::size_t taken = early_.copy(buffer, size);
    early_.erase(0, taken);
    return taken;
  }
  return until == nullptr ? socket_.receivePatiently(buffer, size)
                          : socket_.receive(buffer, size, *until);
}

absl::StatusOr<std::size_t> Stream::receiveEncrypted(char* buffer, std::size_t size,
                                                     const IoTime* until) {
  std::array<char, kRawSize> raw;
  for (bool has_waited = false;; has_waited = true) {
    absl::StatusOr<std::size_t> read = session_->read(buffer, size);
    if (absl::IsOutOfRange(read.status())) {
      end_ = End::kInOrder;
      return closedByServer();
    }
    if (!read.ok() || *read > 0 || (has_waited && until == nullptr)) return read;
    const absl::StatusOr<std::size_t> received = receiveRaw(raw.data(), raw.size(), until);
    if (!received.ok()) return ended(received.status());
    session_->feed({raw.data(), *received});
  }
}

absl::StatusOr<std::size_t> Stream::receiveAny(char* buffer, std::size_t size,
                                               const IoTime* until) {
  if (session_) return receiveEncrypted(buffer, size, until);
  absl::StatusOr<std::size_t> received = receiveRaw(buffer, size, until);
  if (!received.ok()) received = ended(received.status());
  return received;
}

absl::StatusOr<std::size_t> Stream::receive(char* buffer, std::size_t size, IoTime until) {
  return receiveAny(buffer, size, &until);
}

absl::StatusOr<std::size_t> Stream::receivePatiently(char* buffer, std::size_t size) {
  return receiveAny(buffer, size, nullptr);
}

absl::Status Stream::ended(const absl::Status& by_socket) {
  if (absl::IsDeadlineExceeded(by_socket)) return by_socket;
  const bool is_closed = absl::IsOutOfRange(by_socket);
  end_ = is_closed && !session_ ? End::kInOrder : End::kCutOff;
  return is_closed ? closedByServer() : by_socket;
}

// ---- Between exchanges ----

bool Stream::hasUnread() {
  if (!early_.empty()) return true;
  if (!session_) return false;
  char byte = 0;
  const absl::StatusOr<std::size_t> read = session_->read(&byte, 1);
  return !read.ok() || *read > 0;
}

bool Stream::isQuiet() {
  if (!session_) return early_.empty() && socket_.isQuiet();
  std::array<char, kRawSize> raw;
  while (!hasUnread()) {
    const absl::StatusOr<std::size_t> received = socket_.receiveNow(raw.data(), raw.size());
    if (absl::IsDeadlineExceeded(received.status())) return true;
    if (!received.ok()) return false;
    // Not necessarily data: TLS 1.3 sends tickets after the handshake.
    session_->feed({raw.data(), *received});
  }
  return false;
}

}  // namespace strata::internal
