// LocalRedis: a Redis of a test's own. LocalServers (local_servers.h) starts one.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/testing/local_server.h"

namespace strata::testing {

// For one thread at a time, but for the URLs and command(), which are thread-safe.
class LocalRedis final : public LocalServer {
 public:
  // "redis://127.0.0.1:port", with ":password@" before the host if there is one.
  std::string url() const;
  // Its Unix socket: "unix:///folder/redis.sock". Never leads through the proxy.
  std::string unixUrl() const;
  std::string socketPath() const;

  // Sends a command past the proxy, on a connection of its own. A nil is an empty text, an integer
  // its digits, an array its elements each on a line. Unavailable: no connection. Internal: Redis's
  // own error.
  absl::StatusOr<std::string> command(const std::vector<std::string>& arguments);

  // Writes a snapshot, which every later `start` loads. It never saves by itself, so without this
  // it starts empty.
  absl::Status save();
  absl::Status dropSnapshot();

 private:
  friend class LocalServers;
  LocalRedis(internal::Guard& guard, std::string password, std::vector<std::string> arguments);
  absl::Status initialise();
  std::vector<std::string> commandLine() const override;
  int stopSignal() const override;
  bool answers() override;

  std::string folder_;
  std::string password_;
  std::vector<std::string> arguments_;
};

}  // namespace strata::testing
