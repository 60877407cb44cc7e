// LocalRedis: a Redis of a test's own. LocalServers (local_servers.h) starts a lone one,
// LocalSentinel and LocalRedisCluster those that watch and serve together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/testing/servers/local_server.h"

namespace strata::testing {

// For one thread at a time, but for the URLs and command(), which are thread-safe.
class LocalRedis final : public LocalServer {
 public:
  // "redis://127.0.0.1:port", with ":password@" before the host if there is one. If it speaks TLS,
  // "rediss://localhost:port": its certificate is for that name and for 127.0.0.1, where it
  // listens, and the name may also resolve to ::1, where it does not.
  std::string url() const;
  // Its Unix socket: "unix:///folder/redis.sock". Never leads through the proxy.
  std::string unixUrl() const;
  std::string socketPath() const;

  // Sends a command past the proxy, on a connection of its own. A nil is an empty text, an integer
  // its digits, an array its elements each on a line. Unavailable: no connection. Internal: Redis's
  // own error.
  absl::StatusOr<std::string> command(const std::vector<std::string>& arguments);
  // The same for a command that is answered by an array: its elements, whatever is in them.
  absl::StatusOr<std::vector<std::string>> elements(const std::vector<std::string>& arguments);

  // Writes a snapshot, which every later `start` loads. It never saves by itself, so without this
  // it starts empty.
  absl::Status save();
  absl::Status dropSnapshot();

 private:
  friend class LocalServers;
  friend class LocalSentinel;
  friend class LocalRedisCluster;
  struct Setup {
    // Of its folder and its log.
    std::string name = "redis";
    std::string password = {};
    std::vector<std::string> arguments = {};
    // What its configuration file says at first, which it may rewrite. None: it has no file.
    std::optional<std::string> configuration = {};
    // Its port speaks TLS, and `arguments` say how.
    bool tls = false;
    // As in LocalServersOptions.
    absl::Duration client_timeout = absl::ZeroDuration();
    // It is a node of a cluster.
    bool cluster = false;
  };
  LocalRedis(internal::Guard& guard, Setup setup);
  absl::Status initialise();
  std::string configurationFile() const { return folder_ + "/redis.conf"; }
  std::vector<std::string> portArguments() const;
  std::vector<std::string> commandLine() const override;
  int stopSignal() const override;
  bool answers() override;

  Setup setup_;
  std::string folder_;
};

}  // namespace strata::testing
