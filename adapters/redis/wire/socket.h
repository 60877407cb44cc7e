#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/redis/client/url.h"

namespace strata::internal {

// Until when to wait for a server, in real time whatever clock the cache was given.
using IoTime = std::chrono::steady_clock::time_point;

// A socket connected to a Redis server, that never blocks past the time it is given.
//
// Closing it resets a TCP connection instead of ending it in good order: nobody who closes here
// wants what is still on its way. What has reached the server already, it executes all the same.
class RedisSocket {
 public:
  // Unavailable: nobody listens there, or the name does not resolve. DeadlineExceeded.
  // `patience` is for receivePatiently.
  static absl::StatusOr<RedisSocket> connect(const RedisAddress& address,
                                             std::chrono::nanoseconds patience, IoTime until);
  RedisSocket(RedisSocket&& other) noexcept;
  RedisSocket& operator=(RedisSocket&&) = delete;
  ~RedisSocket();

  // At least one byte. Unavailable: the server closed the connection, or it is broken.
  absl::StatusOr<std::size_t> receive(char* buffer, std::size_t size, IoTime until);
  // The same, waiting for as long as the socket's patience: one system call instead of two.
  absl::StatusOr<std::size_t> receivePatiently(char* buffer, std::size_t size);
  // Sends what can be sent at once, which may be nothing. Unavailable: the connection is broken.
  absl::StatusOr<std::size_t> sendSome(std::string_view bytes);
  // Until something can be received, or sent if `or_sent`.
  absl::Status await(bool or_sent, IoTime until) const;
  // Ends it in both directions, for whoever waits on it now as well; it stays open until destroyed.
  void shutdown();
  // From now on `receive` also ends, with DeadlineExceeded, while that file can be read.
  void interruptBy(int file) { interrupt_ = file; }
  // Whether it is open and silent, as an unused connection must be: bytes that nobody asked for, or
  // its end, show here. Does not wait.
  bool isQuiet() const;

 private:
  explicit RedisSocket(int fd) : fd_(fd) {}
  static absl::StatusOr<RedisSocket> connectTcp(const RedisAddress& address, IoTime until);
  static absl::StatusOr<RedisSocket> connectUnix(const RedisAddress& address, IoTime until);
  absl::StatusOr<std::size_t> receiveWith(char* buffer, std::size_t size, int flags);

  int fd_;
  int interrupt_ = -1;  // as poll wants it: none
};

}  // namespace strata::internal
