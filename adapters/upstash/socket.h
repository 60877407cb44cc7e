#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace strata::internal {

// When I/O has to be done by. Always real time: a kernel waits for nothing else.
using IoTime = std::chrono::steady_clock::time_point;

// A TCP connection that never blocks for longer than it is told. For one thread at a time.
//
// Unavailable: the connection is broken, or there is none. DeadlineExceeded: not by `until`.
class UpstashSocket {
 public:
  // Tries every address of the host, in the order that the system gives.
  static absl::StatusOr<UpstashSocket> connect(const std::string& host, std::uint16_t port,
                                               IoTime until);
  UpstashSocket(UpstashSocket&& other) noexcept;
  UpstashSocket& operator=(UpstashSocket&&) = delete;
  ~UpstashSocket();

  absl::Status sendAll(std::string_view bytes, IoTime until);
  // How many bytes came, at least one. Zero: the server has closed the connection.
  absl::StatusOr<std::size_t> receive(char* buffer, std::size_t size, IoTime until);
  // The same for what is there already; none: nothing is.
  absl::StatusOr<std::optional<std::size_t>> receiveNow(char* buffer, std::size_t size);
  // Closing it will discard what the server has not read yet, so that a request which nobody waits
  // for any more is not executed when a stopped server goes on.
  void discardOnClose();

 private:
  explicit UpstashSocket(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace strata::internal
