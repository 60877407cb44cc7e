#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/redis/redis_url.h"

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
  static absl::StatusOr<RedisSocket> connect(const RedisEndpoint& endpoint, IoTime until);
  RedisSocket(RedisSocket&& other) noexcept;
  RedisSocket& operator=(RedisSocket&&) = delete;
  ~RedisSocket();

  // Unavailable: the connection is broken. DeadlineExceeded: part of it may have been sent.
  absl::Status sendAll(std::string_view bytes, IoTime until);
  // At least one byte. Unavailable: the server closed the connection, or it is broken.
  absl::StatusOr<std::size_t> receive(char* buffer, std::size_t size, IoTime until);
  // Whether it is open and silent, as an unused connection must be: bytes that nobody asked for, or
  // its end, show here. Does not wait.
  bool isQuiet() const;

 private:
  explicit RedisSocket(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace strata::internal
