// Where a socket can connect to. The one place that asks the system for the addresses of a host.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace strata::internal {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Every TCP address of a host name or a numeric address, in the order that the system prefers.
// Blocks for as long as the system's resolver takes. Unavailable: the name does not resolve.
absl::StatusOr<std::vector<SocketAddress>> resolveHost(const std::string& host, std::uint16_t port);

// InvalidArgument: the path is longer than a socket address can hold.
absl::StatusOr<SocketAddress> unixSocketAddress(const std::string& path);

}  // namespace strata::internal
