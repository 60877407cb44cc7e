// ProbeServer: Probes over HTTP, for an application that has no HTTP server of its own.
//
//   auto probes = std::make_shared<Probes>();
//   auto server = ProbeServer::start(probes, {.address = "0.0.0.0", .port = 9090});
//   …
//   probes->beginDrain();                    // not ready any more, and still answering
//
// Not for: anything else. It answers GET and HEAD for the targets of Probes, knows neither TLS nor
// users, and tells everybody who reaches it what Probes tell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/probes/probes.h"

namespace strata {

struct ProbeServerOptions {
  // Where it listens: an IP address. An orchestrator asks from outside the container: "0.0.0.0".
  std::string address = "127.0.0.1";
  // 0: any that is free.
  std::uint16_t port = 9090;
  // How long a client may take to send a request or to read its answer, and to begin the next.
  absl::Duration timeout = absl::Seconds(10);
  // More than these are closed at once.
  std::size_t max_connections = 256;
};

// Thread-safe. Two threads: one for sockets, which also answers /livez, and one that asks for the
// rest, so that a process whose checks hang is seen to be alive.
class ProbeServer {
 public:
  // InvalidArgument: an option cannot be, or there are no probes. Unavailable: the address or port
  // cannot be had.
  static absl::StatusOr<std::unique_ptr<ProbeServer>> start(std::shared_ptr<Probes> probes,
                                                            const ProbeServerOptions& options = {});
  // Closes all connections; waits for a probe that is being answered, so at most about the timeout
  // of the probes.
  ~ProbeServer();
  ProbeServer(const ProbeServer&) = delete;
  ProbeServer& operator=(const ProbeServer&) = delete;

  std::uint16_t port() const;

 private:
  class Impl;
  explicit ProbeServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata
