// Bytes to a server and back, encrypted or not: one socket, and a TLS session over it if wanted.
//
//   auto stream = Stream::open("cache.example", 6379, {.tls = context.get()}, until);
//   stream->send("PING\r\n", until);
//   auto received = stream->receive(buffer, sizeof buffer, until);
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/net/socket.h"
#include "adapters/net/tls_session.h"

namespace strata::internal {

struct StreamOptions {
  const TlsContext* tls = nullptr;  // null: not encrypted
  Resolver* resolver = nullptr;     // null: the system's
  // How long receivePatiently waits; zero: not at all.
  std::chrono::nanoseconds patience{};
  // See Socket::discardOnClose.
  bool discard_on_close = false;
};

// For one thread at a time, except shutdown() and hasArrived().
//
// Unavailable: the connection is closed or broken. DeadlineExceeded: the time is over.
class Stream {
 public:
  // Connects to the first address of the host that accepts, and shakes hands. Unavailable: also when
  // the name does not resolve. PermissionDenied: by TLS, one side does not trust the other.
  static absl::StatusOr<Stream> open(const std::string& host, std::uint16_t port,
                                     const StreamOptions& options, IoTime until);
  // The same with the first that also satisfies `meet`, which has an equal part of the time where
  // there are other addresses. After another error of it than Unavailable and DeadlineExceeded they
  // are not tried. Errors: those of `open` and of `meet`.
  using Meet = absl::FunctionRef<absl::Status(Stream stream, IoTime until)>;
  static absl::Status openAndMeet(const std::string& host, std::uint16_t port,
                                  const StreamOptions& options, IoTime until, Meet meet);
  // InvalidArgument: the path is too long, or TLS is wanted, which needs a host name.
  static absl::StatusOr<Stream> openUnix(const std::string& path, const StreamOptions& options,
                                         IoTime until);

  // Sends everything. Keeps what arrives meanwhile for the next `receive`: a peer whose answers are
  // not read may read no further. DeadlineExceeded: the rest is kept, and goes out with the next
  // `flush` or before what is sent next.
  absl::Status send(std::string_view bytes, IoTime until);
  absl::Status flush(IoTime until);
  bool hasUnsent() const { return !unsent_.empty(); }

  // Receives at least one byte.
  absl::StatusOr<std::size_t> receive(char* buffer, std::size_t size, IoTime until);
  // The same for about the time of StreamOptions::patience, with one system call instead of two.
  // With TLS it may be no byte at all: a part of a record has come.
  absl::StatusOr<std::size_t> receivePatiently(char* buffer, std::size_t size);
  // After `receive` failed: whether the server has ended the connection, and whether in good order.
  // With TLS that takes a close_notify, without which the last bytes may have been cut off.
  bool hasEnded() const { return end_ != End::kNone; }
  bool hasEndedInOrder() const { return end_ == End::kInOrder; }

  // Thread-safe. Whether unread bytes, or an end of the connection, have arrived. Does not wait.
  bool hasArrived() const { return !socket_.isQuiet(); }
  // Whether received bytes are left unread, or the TLS session has ended. No system call. Only
  // between exchanges: it may discard a byte.
  bool hasUnread();
  // Whether it is open and silent, as an unused stream must be. Does not wait. Only between
  // exchanges.
  bool isQuiet();
  // Thread-safe. Ends the connection, also for a thread that waits on it.
  void shutdown() { socket_.shutdown(); }
  // From now on `receive` also ends, with DeadlineExceeded, while that file can be read.
  void interruptBy(int file) { socket_.interruptBy(file); }
  // See Socket.
  void discardOnClose() { socket_.discardOnClose(); }

 private:
  enum class End : std::uint8_t { kNone, kInOrder, kCutOff };

  explicit Stream(Socket socket) : socket_(std::move(socket)) {}
  static absl::StatusOr<Stream> over(Socket socket, const std::string& host,
                                     const StreamOptions& options, IoTime until);
  absl::Status shakeHands(IoTime until);
  void queue(std::string_view bytes);
  absl::Status keepWhatArrived();
  // `until` null: patiently.
  absl::StatusOr<std::size_t> receiveRaw(char* buffer, std::size_t size, const IoTime* until);
  absl::StatusOr<std::size_t> receiveEncrypted(char* buffer, std::size_t size, const IoTime* until);
  absl::StatusOr<std::size_t> receiveAny(char* buffer, std::size_t size, const IoTime* until);
  absl::Status ended(const absl::Status& by_socket);

  Socket socket_;
  std::optional<TlsSession> session_;
  // In the form of the wire: what could not be sent yet, from `flushed_` on, and what arrived while
  // sending.
  std::string unsent_;
  std::size_t flushed_ = 0;
  std::string early_;
  End end_ = End::kNone;
};

}  // namespace strata::internal
