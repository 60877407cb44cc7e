#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/net/io_time.h"
#include "adapters/net/resolver.h"

namespace strata::internal {

// A connected TCP or Unix socket that never blocks past the time it is given. For one thread at a
// time, except shutdown().
//
// OutOfRange: the peer has closed its side in good order. Unavailable: the connection is broken.
// DeadlineExceeded: the time is over, and the socket is as usable as before.
class Socket {
 public:
  // Connects to the first address that accepts. Unavailable, DeadlineExceeded: why the last one of
  // them did not.
  static absl::StatusOr<Socket> connect(absl::Span<const SocketAddress> addresses, IoTime until);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  // Receives at least one byte.
  absl::StatusOr<std::size_t> receive(char* buffer, std::size_t size, IoTime until);
  // Receives what is there already. DeadlineExceeded: nothing is.
  absl::StatusOr<std::size_t> receiveNow(char* buffer, std::size_t size);
  // Like `receive`, for about the time given to setPatience: one system call instead of two.
  absl::StatusOr<std::size_t> receivePatiently(char* buffer, std::size_t size);
  // How long receivePatiently waits; until this is called, it does not.
  absl::Status setPatience(std::chrono::nanoseconds patience);

  // Sends what can be sent at once, which may be nothing.
  absl::StatusOr<std::size_t> sendSome(std::string_view bytes);
  // Waits until something can be received, or sent if `or_sent`.
  absl::Status await(bool or_sent, IoTime until) const;
  // From now on `receive` and `await` also end, with DeadlineExceeded, while that file can be read.
  void interruptBy(int file) { interrupt_ = file; }

  // Whether it is open with nothing to receive. Does not wait.
  bool isQuiet() const;
  // Thread-safe. Ends the connection in both directions; the file stays open until destruction.
  void shutdown();
  // Destruction will reset a TCP connection instead of ending it in good order, so that what the
  // peer has not read yet is discarded.
  void discardOnClose() { discards_on_close_ = true; }

 private:
  explicit Socket(int fd) : fd_(fd) {}
  static absl::StatusOr<Socket> connectTo(const SocketAddress& address, IoTime until);
  absl::StatusOr<std::size_t> receiveWith(char* buffer, std::size_t size, int flags);

  int fd_;
  int interrupt_ = -1;  // ignored by poll
  bool discards_on_close_ = false;
};

}  // namespace strata::internal
