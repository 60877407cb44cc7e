#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/net/io_time.h"
#include "adapters/net/resolver.h"
#include "src/base/fork.h"

namespace strata::internal {

// A connected TCP or Unix socket that never blocks past the time it is given. For one thread at a
// time, except shutdown() and isQuiet().
//
// OutOfRange: the peer has closed its side in good order. Unavailable: the connection is broken.
// DeadlineExceeded: the time is over, and the socket is as usable as before.
//
// A child of fork() never uses its parent's connection: there all of this is Unavailable, and
// closing it says nothing to the peer.
class Socket {
 public:
  // Connects to the first address that accepts: each is tried when the one before it has failed, or
  // has not answered for an equal part of the time, at most 250 ms; and the earlier ones may still
  // answer then (RFC 8305, section 5).
  //
  // Unavailable, DeadlineExceeded: why the last one of them did not.
  static absl::StatusOr<Socket> connect(absl::Span<const SocketAddress> addresses, IoTime until);
  // The same; takes that address, and those that failed, out of `addresses`.
  static absl::StatusOr<Socket> connectToOneOf(std::vector<SocketAddress>& addresses, IoTime until);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
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

  // Thread-safe. Whether it is open with nothing to receive. Does not wait.
  bool isQuiet() const;
  // Thread-safe. Ends the connection in both directions; the file stays open until destruction.
  void shutdown();
  // Destruction will reset a TCP connection instead of ending it in good order, so that what the
  // peer has not read yet is discarded.
  void discardOnClose() { discards_on_close_ = true; }

 private:
  explicit Socket(int fd) : fd_(fd) {}
  friend class Connecting;
  // Begins to connect, which is done, or has failed, when it can be written to.
  static absl::StatusOr<Socket> begin(const SocketAddress& address);
  // What came of that.
  absl::Status connected() const;
  absl::StatusOr<std::size_t> receiveWith(char* buffer, std::size_t size, int flags);
  bool isInherited() const { return made_in_.isInherited(); }

  int fd_;
  ProcessMark made_in_;
  int interrupt_ = -1;  // ignored by poll
  bool discards_on_close_ = false;
};

}  // namespace strata::internal
