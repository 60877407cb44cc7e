#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/net/tls_session.h"
#include "adapters/redis/wire/socket.h"

namespace strata::internal {

// Bytes to a server and back, encrypted or not. For one thread at a time, but for shutdown().
class RedisStream {
 public:
  // `tls` null: not encrypted. `patience`: see receivePatiently. Errors: those of the socket, and
  // PermissionDenied where TLS found no trust.
  static absl::StatusOr<RedisStream> open(const RedisAddress& address, const TlsContext* tls,
                                          std::chrono::nanoseconds patience, IoTime until);

  // Sends everything. Keeps what arrives meanwhile for the next `receive`: a peer that cannot get
  // rid of its answers may read no further. DeadlineExceeded: the rest is kept, and goes out with
  // the next `flush` or before what is sent next. Unavailable: the connection is broken.
  absl::Status send(std::string_view bytes, IoTime until);
  absl::Status flush(IoTime until);
  bool hasUnsent() const { return !unsent_.empty(); }
  // At least one byte. DeadlineExceeded, Unavailable.
  absl::StatusOr<std::size_t> receive(char* buffer, std::size_t size, IoTime until);
  // The same, waiting for about as long as `patience` says, and cheaper. With TLS it may be no byte
  // at all: a part of a record has come.
  absl::StatusOr<std::size_t> receivePatiently(char* buffer, std::size_t size);
  // Whether it is open and silent, as an unused connection must be. Does not wait.
  bool isQuiet() const { return early_.empty() && socket_.isQuiet(); }
  // Thread-safe. Whoever waits for this stream is told that it has ended.
  void shutdown() { socket_.shutdown(); }
  void interruptBy(int file) { socket_.interruptBy(file); }

 private:
  explicit RedisStream(RedisSocket socket) : socket_(std::move(socket)) {}

  absl::Status shakeHands(IoTime until);
  absl::Status keepWhatArrived();
  // `until` null: patiently.
  absl::StatusOr<std::size_t> receiveRaw(char* buffer, std::size_t size, const IoTime* until);
  absl::StatusOr<std::size_t> receiveAny(char* buffer, std::size_t size, const IoTime* until);

  RedisSocket socket_;
  std::optional<TlsSession> session_;
  // As it goes over the wire: what could not be sent yet, what arrived while we were sending.
  std::string unsent_;
  std::string early_;
};

}  // namespace strata::internal
