#include "adapters/net/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/un.h>

#include <cstring>
#include <memory>

namespace strata::internal {

absl::StatusOr<std::vector<SocketAddress>> resolveHost(const std::string& host,
                                                       std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) {
    return absl::UnavailableError(fmt::format("cannot resolve the host: {}", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_addrlen > sizeof(sockaddr_storage)) continue;
    std::memcpy(&addresses.emplace_back().storage, at->ai_addr, at->ai_addrlen);
    addresses.back().length = at->ai_addrlen;
  }
  return addresses;
}

absl::StatusOr<SocketAddress> unixSocketAddress(const std::string& path) {
  sockaddr_un where{};
  if (path.size() >= sizeof where.sun_path) {
    return absl::InvalidArgumentError("the path of a Unix socket is too long");
  }
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, path.data(), path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &where, sizeof where);
  address.length = sizeof where;
  return address;
}

}  // namespace strata::internal
