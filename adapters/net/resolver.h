// Where a socket can connect to. The one place that asks the system for the addresses of a host.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/net/io_time.h"
#include "strata/adapters/net/host_resolver.h"

namespace strata::internal {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Resolves names within a time limit, because getaddrinfo has none: each name is looked up once, on a
// thread of its own, and concurrent callers share the result. A result that arrives after every
// caller has given up is dropped. Thread-safe.
class Resolver {
 public:
  // Null: by getaddrinfo.
  explicit Resolver(HostResolver find = nullptr);

  // Every TCP address of a host name or a numeric address, in the order of preference.
  //
  // Unavailable: the name does not resolve. DeadlineExceeded: not by `until`. ResourceExhausted: too
  // many names are being looked up, or the system gives no thread.
  absl::StatusOr<std::vector<SocketAddress>> resolve(const std::string& host, std::uint16_t port,
                                                     IoTime until);

  // Uses getaddrinfo. Never destroyed.
  static Resolver& system();

 private:
  class Lookups;
  const std::shared_ptr<Lookups> lookups_;
};

// InvalidArgument: the path is longer than a socket address can hold.
absl::StatusOr<SocketAddress> unixSocketAddress(const std::string& path);

}  // namespace strata::internal
