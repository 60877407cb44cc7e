// TcpProxy: a stretch of network that a test can break. It listens on a free loopback port and
// carries bytes to a server and back, until it is told not to.
//
//   auto proxy = TcpProxy::start(server_port);
//   connectTo((*proxy)->port());
//   (*proxy)->setMode(TcpProxy::Mode::kSilent);   // packets get lost from now on
//
// Not for: measuring. It costs two more hops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"

namespace strata::testing {

// Thread-safe. Has one thread of its own.
class TcpProxy {
 public:
  enum class Mode : std::uint8_t {
    kForward,
    // A partition: nothing moves on open connections, and new ones open but are never answered. As
    // with lost packets that are sent again, what was written meanwhile arrives after the next
    // kForward, also when its sender has closed the connection or ended.
    kSilent,
    // A crashed host that is reachable: open connections are reset, new ones are refused.
    kRefuse,
  };

  // Unavailable: no free port. `target_port` is on 127.0.0.1, and need not be listened on yet.
  static absl::StatusOr<std::unique_ptr<TcpProxy>> start(std::uint16_t target_port);
  // Closes every connection.
  ~TcpProxy();

  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::uint16_t port() const;
  // In force for every byte and every connection from the moment it returns.
  void setMode(Mode mode);
  // Resets the connections that are open, whatever the mode.
  void resetConnections();

  std::size_t openConnections() const;
  // Ever since the start; those that were refused do not count.
  std::size_t acceptedConnections() const;

 private:
  class Impl;
  explicit TcpProxy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::testing
