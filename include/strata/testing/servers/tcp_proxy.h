// TcpProxy: a stretch of network that a test can break. It listens on a free loopback port and
// carries bytes to a server and back, until it is told not to.
//
//   auto proxy = TcpProxy::start(server_port);
//   connectTo((*proxy)->port());
//   (*proxy)->setMode(TcpProxy::Mode::kSilent);                 // packets get lost from now on
//   (*proxy)->setDelay(TcpProxy::Way::kToClient, absl::Milliseconds(50));
//   (*proxy)->cutAfter(TcpProxy::Way::kToClient, 3, TcpProxy::How::kReset);
//
// The mode is about the whole stretch; the other faults are about one way of it, and each lasts,
// with the others, until it is ended. heal() ends all of them.
//
// Not for: measuring. It costs two more hops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace strata::testing {

// Thread-safe. Has one thread of its own. Whatever is set is in force for every byte and every
// connection from the moment the call returns.
class TcpProxy {
 public:
  enum class Mode : std::uint8_t {
    kForward,
    // A partition: nothing moves on open connections, and new ones open but are never answered (a
    // server that accepts and hangs). As with lost packets that are sent again, what was written
    // meanwhile arrives after the next kForward, also when its sender has closed the connection or
    // ended.
    kSilent,
    // A crashed host that is reachable: open connections are reset, new ones are refused.
    kRefuse,
  };
  enum class Way : std::uint8_t { kToServer, kToClient };
  enum class How : std::uint8_t {
    // As a program does that ends in order: what was under way arrives, then the end.
    kFin,
    // As a program does that crashed, or a firewall: RST.
    kReset,
  };

  // Unavailable: no free port. `target_port` is on 127.0.0.1, and need not be listened on yet.
  static absl::StatusOr<std::unique_ptr<TcpProxy>> start(std::uint16_t target_port);
  // Closes every connection.
  ~TcpProxy();

  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::uint16_t port() const;
  void setMode(Mode mode);

  // What is sent this way from now on, the end of a connection included, arrives this much later.
  // Order is kept, and as much as before gets through. Zero: at once.
  void setDelay(Way way, absl::Duration delay);
  // A partition of one way only: what is sent this way waits, as in kSilent, until `silent` is
  // false; the other way works. To the client: the server gets its requests and does what they say,
  // and nobody hears of it.
  void setSilent(Way way, bool silent);
  // Whether bytes arrive this way one by one, each in a packet of its own. A receiver that is slow
  // to read may still find several.
  void setTrickle(Way way, bool trickle);
  // Lets so many more bytes through this way, over all connections together. The byte after them
  // does not arrive: it closes every connection, and the fault is over. 0 bytes to the client: its
  // request is carried out but the reply is lost.
  void cutAfter(Way way, std::size_t bytes, How how);
  // Mode kForward, no delay, silence, trickle or cut. What waited arrives.
  void heal();

  // Closes the connections that are open, at both ends, whatever the mode. What waits in the proxy
  // is lost.
  void closeConnections(How how);
  void resetConnections() { closeConnections(How::kReset); }

  // As a NAT or a load balancer that drops idle connections from its table: what is sent on the
  // connections that are open now is lost, both ways and for good, and neither end is told. New
  // ones work. closeConnections() still closes them.
  void forgetConnections();
  // Connections that are opened from now on lead to this port; the others stay where they are. A
  // name that is given another address.
  void retarget(std::uint16_t target_port);

  // Without those that were forgotten.
  std::size_t openConnections() const;
  // Ever since the start; those that were refused do not count.
  std::size_t acceptedConnections() const;

 private:
  class Impl;
  explicit TcpProxy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::testing
