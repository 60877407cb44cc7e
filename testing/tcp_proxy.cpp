#include "strata/testing/tcp_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "testing/free_port.h"

namespace strata::testing {
namespace {

constexpr int kBacklog = 128;
constexpr int kPortAttempts = 10;
constexpr std::size_t kChunkBytes = 64 * 1024;

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Socket newSocket() {
  return Socket(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void sendAtOnce(const Socket& socket) {
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// Makes the next close send RST.
void resetOnClose(const Socket& socket) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

// Does not wait for the connection: until it stands, the socket can be neither read nor written,
// and if it cannot be made, reading says so.
Socket connectTo(std::uint16_t port) {
  Socket socket = newSocket();
  const sockaddr_in address = loopback(port);
  (void)connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  sendAtOnce(socket);
  return socket;
}

// One direction of a connection. It holds what has been read and not yet written, so this is where
// a mode that delays or trickles bytes would let them wait.
class Direction {
 public:
  bool wantsToRead() const { return !ended_ && bytes_.empty(); }
  bool wantsToWrite() const { return !bytes_.empty(); }
  bool finished() const { return ended_ && bytes_.empty(); }

  // Moves what can be moved now. False when the connection is broken.
  bool move(const Socket& from, const Socket& to) {
    if (wantsToRead() && !read(from)) return false;
    if (wantsToWrite() && !write(to)) return false;
    if (finished() && !end_passed_on_) {
      shutdown(to.get(), SHUT_WR);
      end_passed_on_ = true;
    }
    return true;
  }

 private:
  static bool mayTryAgain() { return errno == EAGAIN || errno == EINTR; }

  bool read(const Socket& from) {
    bytes_.resize(kChunkBytes);
    const ssize_t count = recv(from.get(), bytes_.data(), bytes_.size(), 0);
    bytes_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    ended_ = count == 0;
    return count >= 0 || mayTryAgain();
  }

  bool write(const Socket& to) {
    const ssize_t count = send(to.get(), bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
    if (count > 0) bytes_.erase(0, static_cast<std::size_t>(count));
    return count >= 0 || mayTryAgain();
  }

  std::string bytes_;
  bool ended_ = false;
  bool end_passed_on_ = false;
};

class Connection {
 public:
  Connection(Socket client, std::uint16_t target_port)
      : client_(std::move(client)), server_(connectTo(target_port)) {
    sendAtOnce(client_);
  }

  // False when there is nothing more to do, and it can be destroyed.
  bool move() {
    if (!up_.move(client_, server_) || !down_.move(server_, client_)) {
      reset();
      return false;
    }
    return !up_.finished() || !down_.finished();
  }

  void reset() {
    resetOnClose(client_);
    resetOnClose(server_);
  }

  void addTo(std::vector<pollfd>& polled) const {
    polled.push_back(pollOf(client_, up_, down_));
    polled.push_back(pollOf(server_, down_, up_));
  }

 private:
  static pollfd pollOf(const Socket& socket, const Direction& from, const Direction& to) {
    const int events = (from.wantsToRead() ? POLLIN : 0) | (to.wantsToWrite() ? POLLOUT : 0);
    // A descriptor with no events would still wake the thread, again and again, once it is closed.
    return {events == 0 ? -1 : socket.get(), static_cast<short>(events), 0};
  }

  Socket client_;
  Socket server_;
  Direction up_;
  Direction down_;
};

}  // namespace

// The thread waits without the mutex and moves bytes with it. Nothing that is done with the mutex
// blocks, so a mode is in force as soon as `setMode` has had the mutex.
class TcpProxy::Impl {
 public:
  Impl(Socket listener, std::uint16_t port, std::uint16_t target_port)
      : listener_(std::move(listener)),
        wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        port_(port),
        target_port_(target_port),
        thread_([this] { run(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wakeUp();
    thread_.join();
  }

  std::uint16_t port() const { return port_; }

  void setMode(Mode mode) {
    {
      const std::lock_guard lock(mutex_);
      if (mode == Mode::kRefuse) {
        resetAll();
        // It stays bound to its port, which nobody else can take, but listens no more.
        shutdown(listener_.get(), SHUT_RD);
      } else if (mode_ == Mode::kRefuse) {
        listen(listener_.get(), kBacklog);
      }
      mode_ = mode;
    }
    wakeUp();
  }

  void resetConnections() {
    {
      const std::lock_guard lock(mutex_);
      resetAll();
    }
    wakeUp();
  }

  std::size_t open() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }
  std::size_t accepted() const {
    const std::lock_guard lock(mutex_);
    return accepted_;
  }

 private:
  void run() {
    std::vector<pollfd> polled;
    while (prepare(polled)) {
      poll(polled.data(), polled.size(), -1);
      const std::lock_guard lock(mutex_);
      eventfd_t ignored = 0;
      eventfd_read(wake_up_.get(), &ignored);
      if (mode_ != Mode::kForward) continue;
      acceptAll();
      connections_.remove_if([](Connection& connection) { return !connection.move(); });
    }
  }

  // What to wait for now; false at the end.
  bool prepare(std::vector<pollfd>& polled) {
    const std::lock_guard lock(mutex_);
    polled.assign(1, {wake_up_.get(), POLLIN, 0});
    if (mode_ == Mode::kForward) {
      polled.push_back({listener_.get(), POLLIN, 0});
      for (const Connection& connection : connections_) connection.addTo(polled);
    }
    return !stopping_;
  }

  void acceptAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (true) {
      Socket client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client.valid()) return;
      connections_.emplace_back(std::move(client), target_port_);
      ++accepted_;
    }
  }

  void resetAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (Connection& connection : connections_) connection.reset();
    connections_.clear();
  }

  void wakeUp() { eventfd_write(wake_up_.get(), 1); }

  const Socket listener_;
  const Socket wake_up_;
  const std::uint16_t port_;
  const std::uint16_t target_port_;

  mutable std::mutex mutex_;
  Mode mode_ ABSL_GUARDED_BY(mutex_) = Mode::kForward;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<Connection> connections_ ABSL_GUARDED_BY(mutex_);
  std::size_t accepted_ ABSL_GUARDED_BY(mutex_) = 0;

  // Last: it uses all of the above.
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<TcpProxy>> TcpProxy::start(std::uint16_t target_port) {
  for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
    Socket listener = newSocket();
    // Named, not chosen by the kernel: only so does a socket keep its port while it is not
    // listening.
    const std::uint16_t port = internal::freePort();
    if (!internal::bindTo(listener.get(), port) || listen(listener.get(), kBacklog) != 0) continue;
    return std::unique_ptr<TcpProxy>(
        new TcpProxy(std::make_unique<Impl>(std::move(listener), port, target_port)));
  }
  return absl::UnavailableError("no free port for a proxy");
}

TcpProxy::TcpProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpProxy::~TcpProxy() = default;

std::uint16_t TcpProxy::port() const { return impl_->port(); }
void TcpProxy::setMode(Mode mode) { impl_->setMode(mode); }
void TcpProxy::resetConnections() { impl_->resetConnections(); }
std::size_t TcpProxy::openConnections() const { return impl_->open(); }
std::size_t TcpProxy::acceptedConnections() const { return impl_->accepted(); }

}  // namespace strata::testing
