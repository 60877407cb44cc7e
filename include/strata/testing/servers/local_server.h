// LocalServer: what a test can do to a server that it started, whichever kind it is. See
// local_servers.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "strata/testing/servers/tcp_proxy.h"

namespace strata::testing {

namespace internal {
class Guard;
class ServerProcess;
}  // namespace internal

// What PostgreSQL and Redis have in common. For one thread at a time. Every method waits until it
// has taken effect; FailedPrecondition: the server is not in a state for it (started twice, …).
class LocalServer {
 public:
  virtual ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  // Where clients connect: the proxy's port if there is one. Stays the same over restarts.
  std::uint16_t port() const;
  // Its process; 0 while it does not run.
  int pid() const;
  bool frozen() const { return frozen_; }
  // Null unless `proxied`.
  TcpProxy* proxy() { return proxy_.get(); }

  // SIGKILL, to all of its processes at once, as if the host lost power.
  absl::Status kill();
  // An orderly end. Clients are disconnected.
  absl::Status stop();
  // Starts it again, after `kill` or `stop`, on the same port.
  absl::Status start();
  absl::Status restart();
  // SIGSTOP, to all of its processes: connections stay open and connecting still works, but nothing
  // is answered.
  absl::Status freeze();
  absl::Status resume();

  // Breaks the network between the clients and the server, which goes on running.
  // FailedPrecondition: it was not started as `proxied`.
  absl::Status cutOff(TcpProxy::Mode how = TcpProxy::Mode::kSilent);
  // Also ends every fault that was set on proxy().
  absl::Status reconnect();

 protected:
  LocalServer(internal::Guard& guard, std::string name);

  // Finds ports and starts there; those that somebody else took meanwhile are given up for others.
  absl::Status startOnFreePort(bool proxied);
  std::uint16_t ownPort() const { return own_port_; }
  // For a server that needs two.
  std::uint16_t sparePort() const { return spare_port_; }
  internal::ServerProcess& process() { return *process_; }

  virtual std::vector<std::string> commandLine() const = 0;
  virtual int stopSignal() const = 0;
  // Whether it answers a client. Never leads through the proxy.
  virtual bool answers() = 0;

 private:
  std::string name_;
  std::unique_ptr<internal::ServerProcess> process_;
  std::unique_ptr<TcpProxy> proxy_;
  std::uint16_t own_port_ = 0;
  std::uint16_t spare_port_ = 0;
  bool frozen_ = false;
};

}  // namespace strata::testing
