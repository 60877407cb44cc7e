// LocalTwemproxy: a twemproxy (nutcracker) in front of a Redis of a test's own, for what proxies do
// with commands that they do not know: this one closes the connection. LocalServers
// (local_servers.h) starts it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "strata/testing/servers/local_server.h"

namespace strata::testing {

// For one thread at a time, but for url(), which is thread-safe.
class LocalTwemproxy final : public LocalServer {
 public:
  // "redis://127.0.0.1:port".
  std::string url() const;

 private:
  friend class LocalServers;
  LocalTwemproxy(internal::Guard& guard, std::uint16_t redis_port);
  absl::Status initialise();
  std::vector<std::string> commandLine() const override;
  int stopSignal() const override;
  bool answers() override;

  const std::string folder_;
  const std::uint16_t redis_port_;
};

}  // namespace strata::testing
