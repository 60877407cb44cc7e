// What TcpProxy does to bytes: the two sockets of a connection and the two ways between them.
// Nothing here blocks or knows of threads.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/testing/servers/tcp_proxy.h"

namespace strata::testing::internal {

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket();
  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

// TCP, not blocking, not connected.
Socket newSocket();

// What a test has set for one way, of all connections.
struct WayFaults {
  struct Cut {
    std::size_t bytes_left = 0;
    TcpProxy::How how = TcpProxy::How::kReset;
    // The byte that closes everything has come.
    bool due = false;
  };

  absl::Duration delay = absl::ZeroDuration();
  bool silent = false;
  bool trickle = false;
  std::optional<Cut> cut = {};
};
struct Faults {
  WayFaults to_server;
  WayFaults to_client;
};

// One way of a connection. It holds what has been read and not yet written.
class Direction {
 public:
  bool wantsToRead(const WayFaults& faults) const;
  bool wantsToWrite(const WayFaults& faults, MonotonicTime now) const;
  // When it will want to write, if it has to wait for that; max() if it has not.
  MonotonicTime nextWrite(const WayFaults& faults, MonotonicTime now) const;
  bool finished() const { return end_passed_on_ && (ended_ || !discarding_); }

  // Moves what can be moved now. False when the connection is broken.
  bool move(const Socket& from, const Socket& to, WayFaults& faults, MonotonicTime now);
  // Passes an end on at once, and throws away whatever comes until the other end comes too: closing
  // a socket with bytes unread would send RST.
  void closeInOrder(const Socket& to);

 private:
  // Without bytes it is the end of the stream.
  struct Chunk {
    std::string bytes;
    MonotonicTime due;
  };

  bool read(const Socket& from, const WayFaults& faults, MonotonicTime now);
  bool writeDue(const Socket& to, WayFaults& faults, MonotonicTime now);
  // How many bytes of `chunk` may be written in one go.
  static std::size_t allowed(const Chunk& chunk, WayFaults& faults);
  void passEndOn(const Socket& to);

  std::deque<Chunk> chunks_;
  std::size_t waiting_bytes_ = 0;
  bool ended_ = false;
  bool end_passed_on_ = false;
  bool discarding_ = false;
};

class Connection {
 public:
  Connection(Socket client, std::uint16_t target_port);

  // False when there is nothing more to do, and it can be destroyed.
  bool move(Faults& faults, MonotonicTime now);
  // Its destruction sends RST to both ends.
  void reset();
  // Sends FIN to both ends. There is more to do until they have done the same.
  void closeInOrder();

  void addTo(std::vector<pollfd>& polled, const Faults& faults, MonotonicTime now) const;
  MonotonicTime nextWrite(const Faults& faults, MonotonicTime now) const;

 private:
  Socket client_;
  Socket server_;
  Direction up_;
  Direction down_;
};

}  // namespace strata::testing::internal
