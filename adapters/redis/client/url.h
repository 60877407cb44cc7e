#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/adapters/net/tls_options.h"
#include "strata/base/secret.h"
#include "strata/base/secret_source.h"

namespace strata::internal {

// Where one server listens.
struct RedisAddress {
  std::string host;  // empty: a Unix socket
  std::uint16_t port = 6379;
  std::string socket_path;

  // "127.0.0.1:6379", "[::1]:6379" or "/run/redis.sock": for messages.
  std::string describe() const;
  friend bool operator==(const RedisAddress&, const RedisAddress&) = default;
};

// Who we are to a server.
struct RedisLogin {
  std::string user;  // empty: the default user
  Secret password;
  int database = 0;
  // What gives the password instead, for each connection. Null: nothing.
  SecretSource password_source = nullptr;
};

// What a URL says.
struct RedisDeployment {
  enum class Kind : std::uint8_t { kServer, kSentinel, kCluster };

  Kind kind = Kind::kServer;
  // The server, or servers of which one is the master; the sentinels; some nodes of the cluster.
  std::vector<RedisAddress> addresses;
  RedisLogin login;
  bool tls = false;
  TlsOptions tls_files;
  std::string master_name;  // as the sentinels know it
  // Where it says them.
  std::optional<absl::Duration> connect_timeout;
  std::optional<absl::Duration> command_timeout;

  // The addresses, for messages.
  std::string describe() const;
};

// No error quotes any part of the URL: one that is malformed may have its password anywhere.
// InvalidArgument: says what is wrong.
absl::StatusOr<RedisDeployment> parseRedisUrl(const Secret& url);

}  // namespace strata::internal
