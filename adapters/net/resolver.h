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

// Finds addresses in time, whatever the name servers do: a name is looked up on a thread of its
// own, for all who ask for it meanwhile. A result that nobody waits for any more is dropped.
// Thread-safe.
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

  // By getaddrinfo; lives for ever.
  static Resolver& system();

 private:
  class Lookups;
  const std::shared_ptr<Lookups> lookups_;
};

// InvalidArgument: the path is longer than a socket address can hold.
absl::StatusOr<SocketAddress> unixSocketAddress(const std::string& path);

}  // namespace strata::internal
