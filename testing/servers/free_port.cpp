#include "testing/servers/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

namespace strata::testing::internal {
namespace {

constexpr int kFirstPort = 15000;
constexpr int kLastPort = 31999;

bool isFree(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool bound = bindTo(socket, port);
  close(socket);
  return bound;
}

}  // namespace

std::uint16_t freePort() {
  std::random_device random;
  std::uniform_int_distribution<int> ports(kFirstPort, kLastPort);
  while (true) {
    const auto port = static_cast<std::uint16_t>(ports(random));
    if (isFree(port)) return port;
  }
}

bool bindTo(int socket, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace strata::testing::internal
