#include "strata/testing/servers/tcp_proxy.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "testing/servers/free_port.h"
#include "testing/servers/proxy_connection.h"

namespace strata::testing {
namespace {

using internal::Connection;
using internal::Faults;
using internal::newSocket;
using internal::Socket;
using internal::WayFaults;

constexpr int kBacklog = 128;
constexpr int kPortAttempts = 10;

// For poll(): rounded up, or it would be too early and ask again at once.
int millisecondsUntil(MonotonicTime time, MonotonicTime now) {
  if (time == MonotonicTime::max()) return -1;
  const auto milliseconds =
      absl::ToInt64Milliseconds(absl::Ceil(time - now, absl::Milliseconds(1)));
  return static_cast<int>(
      std::clamp<std::int64_t>(milliseconds, 0, std::numeric_limits<int>::max()));
}

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
    change([&] { stopping_ = true; });
    thread_.join();
  }

  std::uint16_t port() const { return port_; }

  void setMode(Mode mode) {
    change([&] { setModeLocked(mode); });
  }

  // Does `set` to what is set for one way.
  void setFault(Way way, absl::FunctionRef<void(WayFaults&)> set) {
    change([&] { set(way == Way::kToServer ? faults_.to_server : faults_.to_client); });
  }

  void heal() {
    change([&] {
      setModeLocked(Mode::kForward);
      faults_ = {};
    });
  }

  void closeConnections(How how) {
    change([&] { closeAll(how); });
  }
  void forgetConnections() {
    change([&] { forgotten_.splice(forgotten_.end(), connections_); });
  }
  void retarget(std::uint16_t target_port) {
    change([&] { target_port_ = target_port; });
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
  // Changes something that the thread must hear of.
  void change(absl::FunctionRef<void()> make) {
    {
      const std::lock_guard lock(mutex_);
      make();
    }
    eventfd_write(wake_up_.get(), 1);
  }

  void setModeLocked(Mode mode) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    // Once: to shut down what does not listen would mark it, and with it every connection that it
    // accepts later, as read to the end.
    if (mode == mode_) return;
    if (mode == Mode::kRefuse) {
      closeAll(How::kReset);
      // It stays bound to its port, which nobody else can take, but listens no more.
      shutdown(listener_.get(), SHUT_RD);
    } else if (mode_ == Mode::kRefuse) {
      // One that goes on refusing would silently test something else.
      if (listen(listener_.get(), kBacklog) != 0) std::abort();
    }
    mode_ = mode;
  }

  void run() {
    std::vector<pollfd> polled;
    int timeout = -1;
    while (prepare(polled, timeout)) {
      poll(polled.data(), polled.size(), timeout);
      const std::lock_guard lock(mutex_);
      eventfd_t ignored = 0;
      eventfd_read(wake_up_.get(), &ignored);
      if (mode_ != Mode::kForward) continue;
      acceptAll();
      moveAll();
    }
  }

  // What to wait for now, and how many milliseconds; false at the end.
  bool prepare(std::vector<pollfd>& polled, int& timeout) {
    const std::lock_guard lock(mutex_);
    const MonotonicTime now = Clock::system().now();
    MonotonicTime next = MonotonicTime::max();
    polled.assign(1, {wake_up_.get(), POLLIN, 0});
    if (mode_ == Mode::kForward) {
      polled.push_back({listener_.get(), POLLIN, 0});
      for (const auto* connections : {&connections_, &closing_}) {
        for (const Connection& connection : *connections) {
          connection.addTo(polled, faults_, now);
          next = std::min(next, connection.nextWrite(faults_, now));
        }
      }
    }
    timeout = millisecondsUntil(next, now);
    return !stopping_;
  }

  void moveAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const MonotonicTime now = Clock::system().now();
    for (auto* connections : {&connections_, &closing_}) {
      connections->remove_if(
          [&](Connection& connection) { return !connection.move(faults_, now); });
    }
    for (WayFaults* faults : {&faults_.to_server, &faults_.to_client}) {
      if (!faults->cut || !faults->cut->due) continue;
      closeAll(faults->cut->how);
      faults->cut.reset();
    }
  }

  void acceptAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (true) {
      Socket client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client.valid()) return;
      connections_.emplace_back(std::move(client), target_port_);
      ++accepted_;
    }
  }

  void closeAll(How how) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    connections_.splice(connections_.end(), forgotten_);
    if (how == How::kFin) {
      for (Connection& connection : connections_) connection.closeInOrder();
      closing_.splice(closing_.end(), connections_);
      return;
    }
    for (auto* connections : {&connections_, &closing_}) {
      for (Connection& connection : *connections) connection.reset();
      connections->clear();
    }
  }

  const Socket listener_;
  const Socket wake_up_;
  const std::uint16_t port_;

  mutable std::mutex mutex_;
  std::uint16_t target_port_ ABSL_GUARDED_BY(mutex_);
  Mode mode_ ABSL_GUARDED_BY(mutex_) = Mode::kForward;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Faults faults_ ABSL_GUARDED_BY(mutex_);
  std::list<Connection> connections_ ABSL_GUARDED_BY(mutex_);
  // Those that were closed in order here and not yet by their ends.
  std::list<Connection> closing_ ABSL_GUARDED_BY(mutex_);
  // Neither read nor written any more: their bytes stay in the kernel.
  std::list<Connection> forgotten_ ABSL_GUARDED_BY(mutex_);
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
    // Or connections that were closed in order would keep it from listening once more for a minute.
    const int yes = 1;
    setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
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
void TcpProxy::heal() { impl_->heal(); }
void TcpProxy::closeConnections(How how) { impl_->closeConnections(how); }
void TcpProxy::forgetConnections() { impl_->forgetConnections(); }
void TcpProxy::retarget(std::uint16_t target_port) { impl_->retarget(target_port); }

void TcpProxy::setDelay(Way way, absl::Duration delay) {
  impl_->setFault(way, [&](WayFaults& faults) { faults.delay = delay; });
}
void TcpProxy::setSilent(Way way, bool silent) {
  impl_->setFault(way, [&](WayFaults& faults) { faults.silent = silent; });
}
void TcpProxy::setTrickle(Way way, bool trickle) {
  impl_->setFault(way, [&](WayFaults& faults) { faults.trickle = trickle; });
}
void TcpProxy::cutAfter(Way way, std::size_t bytes, How how) {
  impl_->setFault(way, [&](WayFaults& faults) { faults.cut = {.bytes_left = bytes, .how = how}; });
}

std::size_t TcpProxy::openConnections() const { return impl_->open(); }
std::size_t TcpProxy::acceptedConnections() const { return impl_->accepted(); }

}  // namespace strata::testing
